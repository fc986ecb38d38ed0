"""What `traffic` shows: routes, rules and verdicts, for people and as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubbopy_cli.cli import views

if TYPE_CHECKING:
    from dubbopy_cli.targets.base import Application
    from dubbopy_cli.traffic.findings import Finding
    from dubbopy_cli.traffic.verify import Verdict


def shown(application: Application) -> dict[str, object]:
    """Return the data of `traffic show`."""
    from dubbopy_cli.traffic.model import plain

    return {
        "application": application.name,
        "versions": [
            {"version": one.version, "ready": one.ready, "replicas": one.replicas} for one in application.releases
        ],
        "routes": [views.route_dict(one) for one in views.routes(application)],
        "rules": [plain(rule.document) for rule in application.rules],
    }


def text(application: Application) -> str:
    """Return the routes in words and the rules as YAML."""
    from dubbopy_cli.traffic import yamlio

    lines = [f"{application.name}  {application.address}"]
    if not application.releases:
        lines += [f"  {views.no_version(application)}"]
    else:
        lines += [f"  {views.release_line(one, None)}" for one in application.releases]
        lines += ["", *(f"  {views.route_line(one)}" for one in views.routes(application))]
        lines += [] if application.rules else ["", "no traffic rules: all ready instances share the calls"]
    return "\n".join([*lines, "", yamlio.dump(application.rules)] if application.rules else lines)


def finding_dict(finding: Finding) -> dict[str, str]:
    """Return a finding as data."""
    return {
        "severity": finding.severity,
        "code": finding.code,
        "object": finding.object,
        "path": finding.path,
        "message": finding.message,
    }


def verdict_dict(verdict: Verdict) -> dict[str, object]:
    """Return the data of `traffic verify`; shares are parts of 1."""
    return {
        "result": verdict.result,
        "reason": verdict.reason,
        "calls": verdict.calls,
        "calls_needed": verdict.calls_needed,
        "confidence": verdict.confidence,
        "versions": [
            {
                "version": one.version,
                "seen": one.seen,
                "expected": one.expected,
                "plausible": [one.lowest, one.highest],
                "share": [one.share_low, one.share_high],
                "fits": one.fits,
            }
            for one in verdict.versions
        ],
    }


def verdict_text(verdict: Verdict) -> str:
    """Return the verdict as a table and a sentence."""
    lines = [f"{'version':<12} {'expected':>8} {'seen':>8} {'share':>8}   plausible"]
    for one in verdict.versions:
        share = one.seen / verdict.calls if verdict.calls else 0
        span = f"{one.lowest}..{one.highest}" + ("" if one.fits else "  <- does not fit")
        lines.append(f"{one.version:<12} {one.expected:>8.2%} {one.seen:>8} {share:>8.2%}   {span}")
    return "\n".join([*lines, f"{verdict.result}: {verdict.reason} (confidence {verdict.confidence:g})"])
