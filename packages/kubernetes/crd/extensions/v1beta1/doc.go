// Package v1beta1 describes the kinds of extensions.agents.x-k8s.io/v1beta1, as its namesake does those of agents.x-k8s.io.
// +groupName=extensions.agents.x-k8s.io
package v1beta1
