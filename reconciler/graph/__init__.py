"""Who may reach whom: groups, their references and what they admit from elsewhere, as a graph.

views -> build (nodes and edges, with what changes) -> render.graph_mermaid, graph_dot, graph_svg, graph_html
"""

from reconciler.graph.build import Sources, build_graphs
from reconciler.graph.change import change_graphs
from reconciler.graph.model import Edge, Graph, Node, NodeKind, NodeNote, PartStatus

__all__ = ["Edge", "Graph", "Node", "NodeKind", "NodeNote", "PartStatus", "Sources", "build_graphs", "change_graphs"]
