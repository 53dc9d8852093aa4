package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Quarantine takes the Pod of a Sandbox out of service, as one that may be compromised: out of its Service, its traffic denied, exec and the
// like refused; a clean Pod takes its place, and it is kept for a while for those who look into it. Deleting a Quarantine kills the Pod.
// +kubebuilder:resource:path=quarantines,singular=quarantine,scope=Namespaced
// +kubebuilder:storageversion
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Sandbox",type=string,JSONPath=`.spec.sandboxRef.name`
// +kubebuilder:printcolumn:name="Pod",type=string,JSONPath=`.status.podName`
// +kubebuilder:printcolumn:name="Cut",type=string,JSONPath=`.status.conditions[?(@.type=="TrafficCut")].status`,description="Whether its traffic is denied."
// +kubebuilder:printcolumn:name="Replaced",type=string,JSONPath=`.status.conditions[?(@.type=="Replaced")].status`,description="Whether a clean Pod serves in its place."
// +kubebuilder:printcolumn:name="Ended",type=string,JSONPath=`.status.conditions[?(@.type=="Ended")].status`,description="Whether its Pod is gone."
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.spec.reason`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Quarantine struct {
	metav1.TypeMeta `json:",inline"`
	// Standard metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is wanted.
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a Quarantine is not changed; make another one, or delete it"
	Spec QuarantineSpec `json:"spec"`

	// What was seen last. Written by the operator.
	// +optional
	Status QuarantineStatus `json:"status,omitempty"`
}

// QuarantineSpec says what is put into quarantine, and for how long.
type QuarantineSpec struct {
	// The Sandbox whose Pod it is.
	SandboxRef SandboxRef `json:"sandboxRef"`

	// Why, for people.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Reason string `json:"reason,omitempty"`

	// How long the Pod is kept, like `1h` or `90s`; at most 24h. `0s`: it is killed at once.
	// +kubebuilder:default="1h"
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(h|m|s))+$') && duration(self) >= duration('0s') && duration(self) <= duration('24h')",message="must be a duration from 0s to 24h"
	// +optional
	Retention string `json:"retention,omitempty"`
}

// SandboxRef names a Sandbox in the Quarantine's namespace.
type SandboxRef struct {
	// Its name.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// Its uid: another Sandbox that has got its name meanwhile is left alone. Unset: whichever has the name.
	// +kubebuilder:validation:MaxLength=64
	// +optional
	UID string `json:"uid,omitempty"`
}

// QuarantineStatus is what was seen of a Quarantine last.
type QuarantineStatus struct {
	// `TrafficCut`, `TokensInvalidated`, `Replaced`, `Ended`.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// The Pod that is in quarantine. Exec, attach and port-forward into it are refused from then on.
	// +optional
	PodName string `json:"podName,omitempty"`

	// Its uid.
	// +optional
	PodUID string `json:"podUID,omitempty"`

	// The uid of the Sandbox that it was taken from.
	// +optional
	SandboxUID string `json:"sandboxUID,omitempty"`

	// The SandboxClaim that had this Sandbox, if any.
	// +optional
	ClaimName string `json:"claimName,omitempty"`

	// Since when.
	// +optional
	StartedAt *metav1.Time `json:"startedAt,omitempty"`

	// When the Pod is killed.
	// +optional
	EndsAt *metav1.Time `json:"endsAt,omitempty"`
}
