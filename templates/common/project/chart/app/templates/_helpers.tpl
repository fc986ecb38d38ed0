{{/* The application. Kubernetes would refuse a wrong name too, but only halfway through an installation. */}}
{{- define "app.name" -}}
{{- if or (gt (len .Chart.Name) 50) (not (regexMatch "^[a-z]([a-z0-9-]*[a-z0-9])?$" .Chart.Name)) }}
{{- fail (printf "Chart.yaml: the name %q must be lower-case letters, digits and '-', start with a letter and have at most 50 characters" .Chart.Name) }}
{{- end }}
{{- .Chart.Name }}
{{- end }}

{{- define "app.version" -}}
{{- .Values.version.labels.dubbogoAppVersion }}
{{- end }}

{{/* Never truncated: two long names cut to the same length would be one Deployment. */}}
{{- define "app.fullname" -}}
{{- $fullname := printf "%s-%s" (include "app.name" .) (include "app.version" .) }}
{{- if gt (len $fullname) 63 }}
{{- fail (printf "%s has %d characters, and a name may have 63: shorten the name in Chart.yaml or version.labels.dubbogoAppVersion" $fullname (len $fullname)) }}
{{- end }}
{{- $fullname }}
{{- end }}

{{/* A selector can never be changed: nothing may be added here. */}}
{{- define "app.selectorLabels" -}}
app.kubernetes.io/name: {{ include "app.name" . | quote }}
dubbogoAppVersion: {{ include "app.version" . | quote }}
{{- end }}

{{/* The labels by which Istio and Kiali tell versions apart. */}}
{{- define "app.podLabels" -}}
{{ include "app.selectorLabels" . }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ include "app.version" . | quote }}
app: {{ include "app.name" . | quote }}
version: {{ include "app.version" . | quote }}
{{- end }}

{{- define "app.labels" -}}
{{ include "app.selectorLabels" . }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ include "app.version" . | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") | trunc 63 | regexFind ".*[A-Za-z0-9]" | quote }}
{{- end }}

{{- define "app.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "app.name" .) }}
{{- end }}

{{- define "app.image" -}}
{{- printf "%s:%s" .Values.image.repository .Values.image.tag }}
{{- with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* One map, because a name given twice in a container's list is refused by server-side apply. */}}
{{- define "app.env" -}}
{{- $env := dict }}
{{- if .Values.server.enabled }}
{{- $_ := set $env "DUBBO_PORT" (.Values.server.port | int | toString) }}
{{- end }}
{{- if .Values.config }}
{{- $_ := set $env "DUBBO_GO_CONFIG_PATH" "/etc/dubbogo/dubbogo.yaml" }}
{{- end }}
{{- range $name, $value := mergeOverwrite $env .Values.env }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- if eq .Values.mesh "proxyless" }}
{{- range $name, $field := dict "POD_NAME" "metadata.name" "POD_NAMESPACE" "metadata.namespace" }}
{{- if not (hasKey $.Values.env $name) }}
- name: {{ $name }}
  valueFrom:
    fieldRef:
      fieldPath: {{ $field }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "app.volumes" -}}
- name: tmp
  emptyDir: {}
{{- if .Values.config }}
- name: config
  configMap:
    name: {{ include "app.fullname" . | quote }}
{{- end }}
{{- if eq .Values.mesh "proxyless" }}
# With this the program asks istiod; it is good for nothing else.
- name: istio-token
  projected:
    sources:
      - serviceAccountToken:
          audience: istio-ca
          expirationSeconds: 43200
          path: istio-token
{{- end }}
{{- end }}

{{- define "app.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
{{- if .Values.config }}
- name: config
  mountPath: /etc/dubbogo
  readOnly: true
{{- end }}
{{- if eq .Values.mesh "proxyless" }}
- name: istio-token
  mountPath: /var/run/secrets/token
  readOnly: true
{{- end }}
{{- end }}

{{- define "app.probe" -}}
{{- $root := index . 0 }}
grpc:
  port: {{ $root.Values.server.port | int }}
  {{- with $root.Values.probes.service }}
  service: {{ . | quote }}
  {{- end }}
{{- with index . 1 }}
{{ toYaml . }}
{{- end }}
{{- end }}
