package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SandboxWarmPool keeps Sandboxes of a template running in advance, for claims to take.
// +kubebuilder:resource:path=sandboxwarmpools,singular=sandboxwarmpool,shortName=swp,scope=Namespaced
// +kubebuilder:storageversion
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.replicas,statuspath=.status.replicas,selectorpath=.status.selector
// +kubebuilder:printcolumn:name="Ready",type=integer,JSONPath=`.status.readyReplicas`,description="How many Sandboxes wait and are ready."
// +kubebuilder:printcolumn:name="Desired",type=integer,JSONPath=`.spec.replicas`,description="How many are wanted."
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type SandboxWarmPool struct {
	metav1.TypeMeta `json:",inline"`
	// Standard metadata. The pool's Sandboxes are named `<pool>-` and some characters more.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is wanted.
	Spec SandboxWarmPoolSpec `json:"spec"`

	// What was seen last. Written by the operator.
	// +optional
	Status SandboxWarmPoolStatus `json:"status,omitempty"`
}

// SandboxWarmPoolSpec says how many Sandboxes of what template should wait.
type SandboxWarmPoolSpec struct {
	// How many Sandboxes should wait. One that is claimed leaves the pool, and another is made in its place.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:default=1
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`

	// The template that they are made from.
	SandboxTemplateRef SandboxTemplateRef `json:"sandboxTemplateRef"`

	// What becomes of those that wait when the template changes.
	// +optional
	UpdateStrategy *UpdateStrategy `json:"updateStrategy,omitempty"`
}

// SandboxTemplateRef names a template.
type SandboxTemplateRef struct {
	// The name of a SandboxTemplate in the pool's namespace.
	Name string `json:"name"`
}

// UpdateStrategy is how a pool follows its template.
type UpdateStrategy struct {
	// `OnReplenish`: Sandboxes of the template's old state stay until they are claimed, only new ones are of the new state. `Recreate`: they are
	// deleted and made anew, and no claim is given one.
	// +kubebuilder:default=OnReplenish
	// +optional
	Type UpdateStrategyType `json:"type,omitempty"`
}

// UpdateStrategyType is how a pool follows its template.
// +kubebuilder:validation:Enum=OnReplenish;Recreate
type UpdateStrategyType string

// SandboxWarmPoolStatus is what was seen of a pool last.
type SandboxWarmPoolStatus struct {
	// How many Sandboxes the pool has, without those that are being deleted.
	// +optional
	Replicas int32 `json:"replicas,omitempty"`

	// How many of them are ready to be claimed.
	// +optional
	ReadyReplicas int32 `json:"readyReplicas,omitempty"`

	// Label selector that finds the pool's Sandboxes and their Pods, as text.
	// +optional
	Selector string `json:"selector,omitempty"`

	// The generation of the pool that these numbers are about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
}
