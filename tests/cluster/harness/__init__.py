"""A real Kubernetes and Istio on one machine, from the Go module proxy, PyPI and Debian packages only.

A cluster lives in namespaces of its own (network, mounts, processes), kept by one process: when that ends, the kernel
takes down everything in them. So nothing of the machine is changed, and any number of clusters run side by side.
"""
