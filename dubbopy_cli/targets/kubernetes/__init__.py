"""The Kubernetes target: versions are Helm releases, the mesh is Istio; helm and kubectl are run as programs."""
