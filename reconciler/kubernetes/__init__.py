"""Security groups as resources of a Kubernetes cluster: the engine of the commands behind an operator."""
