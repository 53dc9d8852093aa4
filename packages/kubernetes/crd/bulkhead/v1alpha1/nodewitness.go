package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NodeWitness is what the witness on a node sees of the Pods there: what really runs each of them. It has the node's name. Nobody but the witness on
// that very node can write it.
// +kubebuilder:resource:path=nodewitnesses,singular=nodewitness,shortName=nwit,scope=Cluster
// +kubebuilder:storageversion
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Runtime",type=string,JSONPath=`.status.runtime.name`,description="The node's container runtime."
// +kubebuilder:printcolumn:name="Kernel",type=string,JSONPath=`.status.kernelRelease`,description="The release of the node's kernel."
// +kubebuilder:printcolumn:name="Mismatches",type=integer,JSONPath=`.status.mismatches`,description="Pods whose kernel is not what they were promised."
// +kubebuilder:printcolumn:name="Observed",type=date,JSONPath=`.status.observedAt`,description="When the witness looked last."
type NodeWitness struct {
	metav1.TypeMeta `json:",inline"`
	// Standard metadata. The name is the node's.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What was seen last. Written by the witness on the node.
	// +optional
	Status NodeWitnessStatus `json:"status,omitempty"`
}

// NodeWitnessStatus is what was seen on a node.
type NodeWitnessStatus struct {
	// When the witness looked last, by the node's clock. All that is below held then. Written every few seconds: a witness that is silent for longer is
	// no longer believed.
	// +optional
	ObservedAt *metav1.Time `json:"observedAt,omitempty"`

	// The boot id of the node's own kernel. A Pod that sees the same one shares it.
	// +kubebuilder:validation:MaxLength=64
	// +optional
	BootID string `json:"bootID,omitempty"`

	// The release of the node's own kernel, as `uname -r` prints it.
	// +kubebuilder:validation:MaxLength=128
	// +optional
	KernelRelease string `json:"kernelRelease,omitempty"`

	// The node's container runtime.
	// +optional
	Runtime *WitnessedRuntime `json:"runtime,omitempty"`

	// How many of the Pods have the verdict `Mismatch`.
	// +optional
	Mismatches int32 `json:"mismatches"`

	// How many Pods are left out below because there are too many; the worst are kept.
	// +optional
	PodsLeftOut int32 `json:"podsLeftOut,omitempty"`

	// The Pods that run on the node, the worst verdicts first.
	// +listType=map
	// +listMapKey=uid
	// +kubebuilder:validation:MaxItems=250
	// +optional
	Pods []WitnessedPod `json:"pods,omitempty"`
}

// WitnessedRuntime is a node's container runtime.
type WitnessedRuntime struct {
	// Its name, such as `containerd`.
	// +kubebuilder:validation:MaxLength=64
	Name string `json:"name"`
	// Its version.
	// +kubebuilder:validation:MaxLength=128
	// +optional
	Version string `json:"version,omitempty"`
}

// WitnessedPod is what was seen of a Pod.
type WitnessedPod struct {
	// The Pod's uid.
	// +kubebuilder:validation:MaxLength=64
	UID string `json:"uid"`
	// The Pod's namespace.
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace"`
	// The Pod's name.
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// The isolation class that was seen: `hardware` (a virtual machine with the processor's support), `userspace` (gVisor), `emulated` (a kernel of its
	// own, but no security boundary), or `shared` (the node's own kernel). Absent when nothing could be seen.
	// +kubebuilder:validation:Enum=hardware;userspace;emulated;shared
	// +optional
	Class string `json:"class,omitempty"`

	// The handler that the Pod's RuntimeClass asks for. Absent: the runtime's default.
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Handler string `json:"handler,omitempty"`

	// By what the container runtime says it runs the Pod: the handler, and after a space the type of its shim.
	// +kubebuilder:validation:MaxLength=256
	// +optional
	Runtime string `json:"runtime,omitempty"`

	// The process on the node that runs the Pod: its kernel, where it has one of its own.
	// +optional
	Process *WitnessedProcess `json:"process,omitempty"`

	// What follows. `Isolated`: a kernel of its own, as strong as promised or stronger. `Shared`: the node's kernel, and nothing else was promised.
	// `Mismatch`: not what was promised. `Unknown`: it could not be seen.
	Verdict WitnessVerdict `json:"verdict"`

	// Why, in one word.
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason"`

	// Why, in a sentence.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Message string `json:"message,omitempty"`

	// Since when the verdict and its reason are these, by the node's clock.
	Since metav1.Time `json:"since"`
}

// WitnessedProcess is a process on the node.
type WitnessedProcess struct {
	// The program, as the node shows its path.
	// +kubebuilder:validation:MaxLength=512
	Executable string `json:"executable"`
	// Its uid on the node.
	UID int64 `json:"uid"`
	// Its seccomp mode: 0 none, 1 strict, 2 a filter.
	Seccomp int32 `json:"seccomp"`
	// Its capabilities on the node; those that count in its own user namespace only are left out.
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=64
	// +listType=atomic
	// +optional
	Capabilities []string `json:"capabilities,omitempty"`
}

// WitnessVerdict is what follows from what was seen of a Pod.
// +kubebuilder:validation:Enum=Isolated;Shared;Mismatch;Unknown
type WitnessVerdict string
