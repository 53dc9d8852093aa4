package v1beta1

import (
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	agents "bulkhead.dev/kubernetes/crd/agents/v1beta1"
)

// SandboxTemplate is what the Sandboxes of pools and claims are made from.
// +kubebuilder:resource:path=sandboxtemplates,singular=sandboxtemplate,shortName=sandboxtemplate,scope=Namespaced
// +kubebuilder:storageversion
type SandboxTemplate struct {
	metav1.TypeMeta `json:",inline"`
	// Standard metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What Sandboxes of this template are like.
	Spec SandboxTemplateSpec `json:"spec"`
}

// SandboxTemplateSpec says what Sandboxes of a template are like. Their Pods get no service account token, unless `podTemplate` asks for one.
type SandboxTemplateSpec struct {
	agents.Blueprint `json:",inline"`

	// Who keeps the NetworkPolicy of this template's Pods. `Managed`: the operator keeps one, `<template>-network-policy`, for all of them.
	// `Unmanaged`: it keeps none, and deletes the one it made.
	// +kubebuilder:default=Managed
	// +optional
	NetworkPolicyManagement NetworkPolicyManagement `json:"networkPolicyManagement,omitempty"`

	// Rules of that NetworkPolicy in place of the default ones, which let the sandbox router in and the Pods out to public addresses, and nothing
	// else. Changes act on running Sandboxes. Without it, and under `Managed`, the Pods use public name servers, because the cluster's are not
	// public addresses.
	// +optional
	NetworkPolicy *NetworkPolicyRules `json:"networkPolicy,omitempty"`

	// Whether claims may set environment variables. `Disallowed`: none. `Allowed`: those that the container does not have yet. `Overrides`: any.
	// +kubebuilder:default=Disallowed
	// +optional
	EnvVarsInjectionPolicy InjectionPolicy `json:"envVarsInjectionPolicy,omitempty"`

	// Whether claims may bring volume claims. `Disallowed`: none. `Allowed`: those of other names than the template's. `Overrides`: any.
	// +kubebuilder:default=Disallowed
	// +optional
	VolumeClaimTemplatesPolicy InjectionPolicy `json:"volumeClaimTemplatesPolicy,omitempty"`
}

// NetworkPolicyManagement is who keeps a NetworkPolicy.
// +kubebuilder:validation:Enum=Managed;Unmanaged
type NetworkPolicyManagement string

// InjectionPolicy is what a claim may add to a template.
// +kubebuilder:validation:Enum=Disallowed;Allowed;Overrides
type InjectionPolicy string

// NetworkPolicyRules are the rules of a NetworkPolicy that applies to both directions: a direction without rules is closed.
type NetworkPolicyRules struct {
	// Who may connect to the Pods: rules as in `kubectl explain networkpolicy.spec.ingress`, where their fields are described. Empty: nobody.
	// +optional
	Ingress []networkingv1.NetworkPolicyIngressRule `json:"ingress,omitempty"`

	// What the Pods may connect to: rules as in `kubectl explain networkpolicy.spec.egress`, where their fields are described. Empty: nothing.
	// +optional
	Egress []networkingv1.NetworkPolicyEgressRule `json:"egress,omitempty"`
}
