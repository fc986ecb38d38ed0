{{/* The application is the release: one name, written in one place. */}}
{{- define "service.name" -}}
{{- if or (gt (len .Release.Name) 50) (not (regexMatch "^[a-z]([a-z0-9-]*[a-z0-9])?$" .Release.Name)) }}
{{- fail (printf "the release %q names the application: use lower-case letters, digits and '-', starting with a letter, at most 50 characters" .Release.Name) }}
{{- end }}
{{- .Release.Name }}
{{- end }}

{{- define "service.labels" -}}
app.kubernetes.io/name: {{ include "service.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
app: {{ include "service.name" . | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") | trunc 63 | regexFind ".*[A-Za-z0-9]" | quote }}
{{- end }}

{{- define "service.annotations" -}}
{{- range $name, $value := . }}
{{ $name | quote }}: {{ $value | quote }}
{{- end }}
{{- end }}
