"""A chart of the kind that dubbogo-cli wrote: the first version's release makes the Service, if it is not there."""

from __future__ import annotations

from pathlib import Path

from tests.scaffolding import write

LABELS = """\
    app.kubernetes.io/name: {{ .Chart.Name }}
    app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
    app.kubernetes.io/managed-by: {{ .Release.Service }}
    helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
    dubbogoAppVersion: {{ .Values.version }}
"""

SERVICE = """\
{{- if not (lookup "v1" "Service" .Release.Namespace .Chart.Name) }}
apiVersion: v1
kind: Service
metadata:
  name: {{ .Chart.Name }}
spec:
  selector:
    app.kubernetes.io/name: {{ .Chart.Name }}
  ports:
    - name: triple
      port: 20000
      targetPort: triple
{{- end }}
"""

DEPLOYMENT = f"""\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{{{ .Chart.Name }}}}-{{{{ .Values.version }}}}
  labels:
{LABELS}
spec:
  replicas: 1
  selector:
    matchLabels:
{LABELS.replace("    ", "      ")}
  template:
    metadata:
      labels:
{LABELS.replace("    ", "        ")}
      annotations:
        round: {{{{ .Values.round | quote }}}}
    spec:
      containers:
        - name: app
          image: {{{{ .Values.image }}}}
          ports:
            - name: triple
              containerPort: 20000
          readinessProbe:
            grpc:
              port: 20000
"""


def old_chart(folder: Path, name: str, image: str) -> Path:
    """Write the chart of an application into a folder and return it."""
    write(
        folder,
        {
            "Chart.yaml": f'apiVersion: v2\nname: {name}\nversion: 0.0.1\nappVersion: "1.16.0"\n',
            "values.yaml": f'version: v1\nround: ""\nimage: {image}\n',
            "templates/service.yaml": SERVICE,
            "templates/deployment.yaml": DEPLOYMENT,
        },
    )
    return folder
