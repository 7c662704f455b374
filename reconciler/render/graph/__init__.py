"""Pictures of who may reach whom, as Mermaid, DOT, SVG and HTML."""
