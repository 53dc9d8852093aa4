package v1beta1

import (
	corev1 "k8s.io/api/core/v1"
)

// Blueprint is what Sandboxes and SandboxTemplates have in common: what a Sandbox is made of. Presence of the volume claims is compared here,
// because a rule on a field is not asked when the field comes or goes.
// +kubebuilder:validation:XValidation:rule="has(self.volumeClaimTemplates) == has(oldSelf.volumeClaimTemplates)",message="volumeClaimTemplates is immutable"
type Blueprint struct {
	// The Pod. Changes to its `spec` take effect when the Pod is next created, changes to its metadata at once.
	PodTemplate PodTemplate `json:"podTemplate"`

	// Volumes of the Sandbox's own, that outlive its Pod: each becomes a PersistentVolumeClaim named `<name>-<sandbox>` and a volume of the Pod
	// called `<name>`, in place of one of that name in `podTemplate`. They are deleted with the Sandbox. Cannot be changed.
	// +listType=atomic
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="volumeClaimTemplates is immutable"
	// +optional
	VolumeClaimTemplates []VolumeClaimTemplate `json:"volumeClaimTemplates,omitempty"`

	// Whether there is a headless Service of the Sandbox's name. `true` keeps one, with the ports that the Pod's containers name; `false` deletes
	// it; unset keeps one that is there already, and creates none.
	// +optional
	Service *bool `json:"service,omitempty"`
}

// PodTemplate is a Pod without a name.
type PodTemplate struct {
	// Labels and annotations of the Pod.
	// +optional
	Metadata PodMetadata `json:"metadata,omitempty"`

	// The Pod's own specification, as in `kubectl explain pod.spec`, where its fields are described.
	Spec corev1.PodSpec `json:"spec"`
}

// PodMetadata is what a Pod's metadata may say.
type PodMetadata struct {
	// Labels of the Pod. Keys of this API's own groups are left out.
	// +optional
	Labels map[string]string `json:"labels,omitempty"`

	// Annotations of the Pod. Keys of this API's own groups are left out.
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`
}

// VolumeClaimTemplate is a PersistentVolumeClaim to be made.
type VolumeClaimTemplate struct {
	// Name, labels and annotations of the claim.
	// +optional
	Metadata VolumeClaimMetadata `json:"metadata,omitempty"`

	// The claim's own specification, as in `kubectl explain persistentvolumeclaim.spec`, where its fields are described.
	Spec corev1.PersistentVolumeClaimSpec `json:"spec"`
}

// VolumeClaimMetadata is what a claim's metadata may say.
type VolumeClaimMetadata struct {
	// By which the Pod's containers mount the volume. The PersistentVolumeClaim is named `<name>-<sandbox>`.
	// +optional
	Name string `json:"name,omitempty"`

	// Labels of the PersistentVolumeClaim.
	// +optional
	Labels map[string]string `json:"labels,omitempty"`

	// Annotations of the PersistentVolumeClaim.
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`
}
