"""From a project to a container image: built, pushed or loaded, and known by its digest.

A target that needs an image calls ``make.make(project, request, runner)`` while it holds ``build.lock.held(project)``,
and deploys ``ImageResult.pinned``; ``make.plan`` gives the same steps for ``--dry-run``.
"""
