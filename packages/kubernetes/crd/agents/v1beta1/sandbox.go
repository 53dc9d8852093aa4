package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Sandbox is one Pod of a wanted shape under a name that stays: it can be suspended and resumed, its volumes outlive its Pod, and it can end by
// itself at a set time.
// +kubebuilder:resource:path=sandboxes,singular=sandbox,shortName=sandbox,scope=Namespaced
// +kubebuilder:storageversion
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Whether the Pod serves: the status of the condition Ready."
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`,description="Why: the reason of the condition Ready."
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Node",type=string,priority=1,JSONPath=`.status.nodeName`,description="Where the Pod runs."
// +kubebuilder:printcolumn:name="Kernel",type=string,priority=1,JSONPath=`.status.kernel.class`,description="The isolation class of the kernel that the Pod was seen to run on."
type Sandbox struct {
	metav1.TypeMeta `json:",inline"`
	// Standard metadata. The Pod and the Service have the Sandbox's name: for a Service it must be a DNS label of at most 63 characters.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is wanted.
	Spec SandboxSpec `json:"spec"`

	// What was seen last. Written by the operator.
	// +optional
	Status SandboxStatus `json:"status,omitempty"`
}

// SandboxSpec says what Sandbox is wanted.
type SandboxSpec struct {
	Blueprint `json:",inline"`

	// Whether the Pod should run. `Suspended` deletes the Pod and keeps the name, the volumes and the Service; back on `Running` a new Pod of the
	// same name gets the same volumes.
	// +kubebuilder:default=Running
	// +optional
	OperatingMode OperatingMode `json:"operatingMode,omitempty"`

	// When the Sandbox ends: its Pod and its Service are deleted then, and `shutdownPolicy` decides on the rest. Unset: never. Moved into the
	// future it brings a Sandbox that has ended and was retained back to life.
	// +optional
	ShutdownTime *metav1.Time `json:"shutdownTime,omitempty"`

	// What becomes of the Sandbox itself at `shutdownTime`. `Delete` deletes it, and with it its volume claims; `Retain` keeps both.
	// +kubebuilder:default=Retain
	// +optional
	ShutdownPolicy ShutdownPolicy `json:"shutdownPolicy,omitempty"`
}

// OperatingMode is whether a Pod should run.
// +kubebuilder:validation:Enum=Running;Suspended
type OperatingMode string

// ShutdownPolicy is what becomes of a Sandbox that has ended.
// +kubebuilder:validation:Enum=Delete;Retain
type ShutdownPolicy string

// SandboxStatus is what was seen of a Sandbox last.
type SandboxStatus struct {
	// `Ready`: the Pod runs, is ready and has an address. `Suspended`: always there, true when the Pod is gone on request. `Finished`: the Pod
	// ended by itself. `PodScheduled`: as the Pod says.
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// Label selector that finds the Pod, as text.
	// +optional
	Selector string `json:"selector,omitempty"`

	// The Pod's addresses, one of each family, the cluster's first family first.
	// +optional
	PodIPs []string `json:"podIPs,omitempty"`

	// The node that the Pod runs on.
	// +optional
	NodeName string `json:"nodeName,omitempty"`

	// The name of the Sandbox's headless Service, while there is one.
	// +optional
	Service string `json:"service,omitempty"`

	// The DNS name of that Service within the cluster. It stays the same when the Pod is replaced.
	// +optional
	ServiceFQDN string `json:"serviceFQDN,omitempty"`

	// The kernel that the Pod runs on, as it was witnessed. Absent until somebody has looked.
	// +optional
	Kernel *KernelStatus `json:"kernel,omitempty"`
}

// KernelStatus is what was witnessed of the kernel under a Pod.
type KernelStatus struct {
	// The isolation class: `hardware` (a virtual machine with hardware support), `userspace` (gVisor), `emulated` (a kernel of its own, but no
	// security boundary), or `shared` (the node's own kernel).
	// +optional
	Class string `json:"class,omitempty"`

	// The handler of the Pod's RuntimeClass, by which the node's container runtime knows what to run it with.
	// +optional
	Runtime string `json:"runtime,omitempty"`

	// The kernel's boot id. Two Pods with the same one share a kernel. For a class other than `shared` only the inside can tell, and it is absent
	// until it has.
	// +optional
	BootID string `json:"bootID,omitempty"`

	// The kernel's release, as `uname -r` prints it; known as the boot id is.
	// +optional
	Release string `json:"release,omitempty"`

	// What follows. `Isolated`: a kernel of its own, as strong as promised or stronger. `Shared`: the node's kernel, and nothing else was promised.
	// `Mismatch`: not what was promised. `Unknown`: it could not be seen, or the witness on the node has fallen silent.
	// +optional
	Verdict string `json:"verdict,omitempty"`

	// Why, in one word.
	// +optional
	Reason string `json:"reason,omitempty"`

	// When this was seen, RFC 3339. It is not written for its own sake: the node's NodeWitness has when it was seen last.
	// +optional
	CheckedAt string `json:"checkedAt,omitempty"`
}
