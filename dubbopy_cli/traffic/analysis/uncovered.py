"""Codes of `istioctl` that the analysis of files does not have, each with the reason."""

from __future__ import annotations

NOT_COVERED = {
    "IST0001": "a fault inside istioctl itself",
    "IST0141": "asks the cluster for permissions, before an installation",
    "IST0142": "asks the cluster for its version, before an installation",
    "IST0143": "asks running pods for the addresses they listen on",
    "IST0156": "asks the cluster, before an installation",
    "IST0168": "compares two releases of Istio, before an upgrade",
    "IST0169": "compares two releases of Istio, before an upgrade",
    "IST0170": "compares the Services of several clusters",
    "IST0172": "asks the cluster, before an installation",
}
