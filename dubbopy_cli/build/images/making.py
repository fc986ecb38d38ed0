"""The steps of one image, and what they learn on the way."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from dubbopy_cli.build import builder, compilers
from dubbopy_cli.build.images import builders, content, failures, record
from dubbopy_cli.build.images.registry import Held, Registry
from dubbopy_cli.build.images.request import ImageRequest, ImageResult, Loader, machine_platform
from dubbopy_cli.errors import ConflictError, DubbopyError
from dubbopy_cli.plan import Step
from dubbopy_cli.process import Completed, Runner, shown
from dubbopy_cli.project import Project

# A base image, or packages for an emulated platform, may take as long as a first build.
_SECONDS = 1800.0
_ARCHIVE = "build/.image.tar"


@dataclass(frozen=True)
class Wanted:
    """An image to make; it is pushed if there is a ``registry``."""

    project: Project
    request: ImageRequest
    runner: Runner
    maker: builders.Builder
    expected: ImageResult
    registry: Registry | None = None


@dataclass
class Making:
    """One image on its way; ``before`` is what the registry held under its tag when it was planned."""

    wanted: Wanted
    before: Held | None = None
    digest: str = ""

    def steps(self) -> Iterator[Step]:
        """Yield the steps in order."""
        wanted, job = self.wanted, self._job()
        reference = wanted.expected.reference
        yield from self._packing(job)
        for argv in wanted.maker.clear(job):
            yield self._step(f"forget the {reference} of the last time", argv, lambda _: None)
        for argv in wanted.maker.build(job):
            yield self._step(
                f"make the image {reference} with {wanted.maker.name}",
                argv,
                lambda done: failures.building(wanted.project.name, done),
                last=self._unchanged,
            )
        if wanted.registry:
            yield from self._pushing(job, wanted.registry)
        if wanted.request.load:
            yield from self._loading(job, wanted.request.load)

    def finish(self) -> ImageResult:
        """Return and record the image, after the last step."""
        wanted = self.wanted
        return record.save(wanted.project, replace(wanted.expected, digest=self.digest or wanted.expected.digest))

    def _job(self) -> builders.Job:
        """Return the job; this machine's platform is every builder's default."""
        wanted, platforms = self.wanted, self.wanted.expected.platforms
        native = platforms == (machine_platform(),)
        return builders.Job(
            wanted.expected.reference,
            wanted.expected.content,
            () if native else platforms,
            per_platform=wanted.project.lang == "go" and not native,
            insecure=bool(wanted.registry and wanted.registry.insecure),
        )

    def _packing(self, job: builders.Job) -> Iterator[Step]:
        wanted = self.wanted
        project, tag, runner, force = wanted.project, wanted.expected.tag, wanted.runner, wanted.request.force
        title = f"compile {project.name} {tag}"
        if project.lang == "go" and not job.platforms and platform.system() == "Linux":
            # The very program of the local target.
            for text in builder.preview(project, runner, tag=tag, force=force):
                yield Step(title, lambda: builder.build(project, runner, tag=tag, force=force), text)
            return
        compiler = compilers.compiler(project)
        if not job.platforms or project.lang != "go":
            # The program of the local target is about to be replaced.
            yield Step("write the tag", lambda: _prepare(project, compiler, tag), compiler.preparation(project, tag))
        for command in compiler.packing(project, tag, runner, job.platforms):
            yield Step(title, _bound(builder.run, project, command, runner), builder.line(command))
        source, goal = builder.configuration(project), project.build_dir / "dubbogo.yaml"
        copy = "cp conf/dubbogo.yaml build/dubbogo.yaml"
        yield Step("copy the configuration", lambda: shutil.copyfile(source, goal), copy)

    def _pushing(self, job: builders.Job, registry: Registry) -> Iterator[Step]:
        reference, repository = self.wanted.expected.reference, self.wanted.project.image
        for argv in self.wanted.maker.push(job):
            yield self._step(
                f"push {reference}",
                argv,
                lambda done: failures.pushing(repository, done),
                first=lambda: self._still_free(registry),
            )
        yield Step(f"read the digest of {reference}", lambda: self._confirm(registry))

    def _loading(self, job: builders.Job, loader: Loader) -> Iterator[Step]:
        commands = builders.load(job, self.wanted.maker, loader, _ARCHIVE)
        # A builder adds to an archive that is there, or refuses to.
        archive = self.wanted.project.root / _ARCHIVE
        remove = Step("remove the archive", lambda: archive.unlink(missing_ok=True), f"rm -f {_ARCHIVE}")
        rooms = (remove,) if len(commands) > 1 else ()
        keep, let_go = builders.former(job, loader)
        yield from rooms
        for argv in keep:
            yield self._step("keep the layers of the former image", argv, lambda _: None)
        for argv in commands:
            yield self._step(f"load the image into {loader}", argv, lambda done: failures.loading(loader, done))
        for argv in let_go:
            yield self._step("let the former image go", argv, lambda done: failures.loading(loader, done))
        yield from rooms

    def _unchanged(self) -> None:
        """Refuse to go on with an image whose label is not what it was made of."""
        project = self.wanted.project
        if content.digest(project.root) != self.wanted.expected.content:
            raise DubbopyError(
                "image-failed",
                f"the sources of {project.name} changed while its image was made, so nobody knows what is in it",
                hint="the same command again",
            )

    def _still_free(self, registry: Registry) -> None:
        """Refuse a tag that another push took while this image was made."""
        expected = self.wanted.expected
        now = registry.held(expected.tag)
        if now and now != self.before and now.content != expected.content and not self.wanted.request.force:
            raise taken(expected, now)

    def _confirm(self, registry: Registry) -> None:
        expected = self.wanted.expected
        held = registry.held(expected.tag)
        if held is None:
            raise DubbopyError(
                "image-push-failed",
                f"{expected.builder} has pushed {expected.reference}, but the registry does not have it",
                hint=f"look for it: {expected.builder} images",
            )
        if held.content != expected.content:
            raise taken(expected, held)
        self.digest = held.digest

    def _step(
        self,
        title: str,
        argv: builders.Argv,
        failed: Callable[[Completed], DubbopyError | None],
        first: Callable[[], None] = lambda: None,
        last: Callable[[], None] = lambda: None,
    ) -> Step:
        wanted = self.wanted

        def run() -> None:
            first()
            done = wanted.runner.run(argv, cwd=wanted.project.root, timeout=_SECONDS, check=False)
            if not done.ok and (error := failed(done)):
                raise error
            last()

        return Step(title, run, shown(argv))


def taken(expected: ImageResult, held: Held) -> ConflictError:
    """Return the error for a tag under which the registry holds something else."""
    other = "was made of other sources" if held.content else "was not made by dubbopy-cli or the project's Makefile"
    return ConflictError(
        "image-tag-taken",
        f"{expected.reference} is in the registry already and {other}: pods may run it, "
        "and one tag should never be two programs",
        details=f"in the registry: {held.digest}",
        hint="take a new tag: --tag, or image.tag in chart/app/values.yaml; or replace what is there: --force",
    )


def _prepare(project: Project, compiler: compilers.Compiler, tag: str) -> None:
    project.build_dir.mkdir(exist_ok=True)
    builder.forget(project)
    compiler.prepare(project, tag)


def _bound(action: Callable[..., None], *words: object) -> Callable[[], None]:
    return lambda: action(*words)
