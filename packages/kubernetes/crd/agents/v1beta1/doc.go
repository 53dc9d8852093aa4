// Package v1beta1 describes the kinds of agents.x-k8s.io/v1beta1. Its comments are what `kubectl explain` prints, and its markers what the API
// server checks; the schemas are made from them by cmd/crds. Nothing else imports it: the operator is written in TypeScript (src/api).
// +groupName=agents.x-k8s.io
package v1beta1
