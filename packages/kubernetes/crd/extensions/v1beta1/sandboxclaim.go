package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	agents "bulkhead.dev/kubernetes/crd/agents/v1beta1"
)

// SandboxClaim asks for one Sandbox of a pool: one that waits there already, or a new one from the pool's template when none does.
// +kubebuilder:resource:path=sandboxclaims,singular=sandboxclaim,shortName=sandboxclaim,scope=Namespaced
// +kubebuilder:storageversion
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Whether the Sandbox serves: the status of the condition Ready."
// +kubebuilder:printcolumn:name="Sandbox",type=string,JSONPath=`.status.sandbox.name`,description="The Sandbox that the claim was given."
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`,description="Why: the reason of the condition Ready."
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type SandboxClaim struct {
	metav1.TypeMeta `json:",inline"`
	// Standard metadata. A Sandbox that is made for the claim has the claim's name.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is wanted.
	Spec SandboxClaimSpec `json:"spec"`

	// What was given. Written by the operator.
	// +optional
	Status SandboxClaimStatus `json:"status,omitempty"`
}

// SandboxClaimSpec says what Sandbox is wanted.
type SandboxClaimSpec struct {
	// The pool. A claim keeps the Sandbox it was given while that exists, also when this changes.
	WarmPoolRef WarmPoolRef `json:"warmPoolRef"`

	// When the claim ends. Unset: never.
	// +optional
	Lifecycle *Lifecycle `json:"lifecycle,omitempty"`

	// Labels and annotations for the Pod, besides those of the template. A key of the template with another value is refused.
	// +optional
	AdditionalPodMetadata *AdditionalPodMetadata `json:"additionalPodMetadata,omitempty"`

	// Environment variables for the Pod's containers, as far as the template's `envVarsInjectionPolicy` permits them. The Sandbox is made anew
	// then, because those that wait in the pool run already.
	// +listType=atomic
	// +optional
	Env []EnvVar `json:"env,omitempty"`

	// Volume claims besides or in place of the template's, as far as its `volumeClaimTemplatesPolicy` permits them. The Sandbox is made anew then.
	// +listType=atomic
	// +optional
	VolumeClaimTemplates []agents.VolumeClaimTemplate `json:"volumeClaimTemplates,omitempty"`
}

// WarmPoolRef names a pool.
type WarmPoolRef struct {
	// The name of a SandboxWarmPool in the claim's namespace. Its template is used also when no Sandbox waits in it.
	Name string `json:"name"`
}

// Lifecycle is when a claim ends, the earlier of two times, and what becomes of it then.
type Lifecycle struct {
	// When the claim ends, whatever its Sandbox does.
	// +optional
	ShutdownTime *metav1.Time `json:"shutdownTime,omitempty"`

	// How long after its Sandbox has finished the claim ends, in seconds. Unset: it does not end by that.
	// +kubebuilder:validation:Minimum=0
	// +optional
	TTLSecondsAfterFinished *int32 `json:"ttlSecondsAfterFinished,omitempty"`

	// What becomes of the claim then. `Delete` deletes it, and its Sandbox follows; `DeleteForeground` deletes it so that it is still there until
	// Sandbox and Pod are gone; `Retain` deletes its Sandbox and keeps the claim.
	// +kubebuilder:default=Retain
	// +optional
	ShutdownPolicy ClaimShutdownPolicy `json:"shutdownPolicy,omitempty"`
}

// ClaimShutdownPolicy is what becomes of a claim that has ended.
// +kubebuilder:validation:Enum=Delete;DeleteForeground;Retain
type ClaimShutdownPolicy string

// AdditionalPodMetadata is what a claim adds to its Pod's metadata.
type AdditionalPodMetadata struct {
	// Labels of the Pod. Their keys need a prefix at or under a domain that the cluster's administrator permits; without such a list,
	// `sandbox.users.io`.
	// +optional
	Labels map[string]string `json:"labels,omitempty"`

	// Annotations of the Pod. Keys at or under `kubernetes.io`, `k8s.io` and `agents.x-k8s.io` are refused, except
	// `cluster-autoscaler.kubernetes.io/safe-to-evict`.
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`
}

// EnvVar is an environment variable of one container.
type EnvVar struct {
	// The variable's name.
	Name string `json:"name"`

	// The variable's value, taken as it is.
	Value string `json:"value"`

	// The container or init container that gets it. Default: the first container.
	// +optional
	ContainerName string `json:"containerName,omitempty"`
}

// SandboxClaimStatus is what a claim was given.
type SandboxClaimStatus struct {
	// `Ready`: as the Sandbox says, or why there is none. `Finished`: the Sandbox's Pod ended by itself.
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// The Sandbox that the claim was given.
	// +optional
	Sandbox *ClaimedSandbox `json:"sandbox,omitempty"`
}

// ClaimedSandbox is where to find the Sandbox of a claim.
type ClaimedSandbox struct {
	// Its name, in the claim's namespace.
	// +optional
	Name string `json:"name,omitempty"`

	// The addresses of its Pod.
	// +optional
	PodIPs []string `json:"podIPs,omitempty"`

	// The DNS name of its Service within the cluster, while there is one.
	// +optional
	ServiceFQDN string `json:"serviceFQDN,omitempty"`
}
