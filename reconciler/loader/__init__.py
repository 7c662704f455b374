"""The details of stages 1 and 2: YAML with its pitfalls, the structure of a document, the meaning of a written rule."""
