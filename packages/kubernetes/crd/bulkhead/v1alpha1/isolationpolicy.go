package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// IsolationPolicy says how strongly the Pods of chosen namespaces are kept apart from their node and from each other. The API server itself enforces
// it: the operator compiles it into admission policies, and keeps these as they must be. Where several select a Pod, it must satisfy all of them.
// +kubebuilder:resource:path=isolationpolicies,singular=isolationpolicy,shortName=isopol,scope=Cluster
// +kubebuilder:storageversion
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Minimum",type=string,JSONPath=`.spec.minimumClass`,description="The least isolation that Pods must have."
// +kubebuilder:printcolumn:name="Violation",type=string,JSONPath=`.spec.violation`,description="What becomes of Pods that do not have it."
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Whether the API server enforces it."
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`,description="Why it does, or does not."
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",message="metadata.name may have at most 63 characters: the admission policies are named after it"
type IsolationPolicy struct {
	metav1.TypeMeta `json:",inline"`
	// Standard metadata. The admission policies made of it are named `bulkhead-isolation-pods-<name>`, `bulkhead-isolation-defaults-<name>` and
	// `bulkhead-isolation-namespaces-<name>`.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is wanted.
	Spec IsolationPolicySpec `json:"spec"`

	// What was seen last. Written by the operator.
	// +optional
	Status IsolationPolicyStatus `json:"status,omitempty"`
}

// IsolationPolicySpec says which Pods are meant, and what they must be like.
// +kubebuilder:validation:XValidation:rule="self.minimumClass != 'hardware' || self.runtimeClasses.exists(r, r.class == 'hardware')",message="minimumClass is hardware, and no RuntimeClass in runtimeClasses is of that class: no Pod could ever run"
// +kubebuilder:validation:XValidation:rule="!has(self.defaultRuntimeClassName) || self.runtimeClasses.exists(r, r.name == self.defaultRuntimeClassName && (r.class == 'hardware' || self.minimumClass == 'userspace'))",message="defaultRuntimeClassName must be one of runtimeClasses, and of minimumClass or stronger"
// +kubebuilder:validation:XValidation:rule="!has(self.trustLevels) || self.trustLevels.all(l, self.runtimeClasses.exists(r, r.name == l.runtimeClassName && (r.class == 'hardware' || self.minimumClass == 'userspace')))",message="each runtimeClassName in trustLevels must be one of runtimeClasses, and of minimumClass or stronger"
type IsolationPolicySpec struct {
	// The namespaces it is for, by their labels; `{}`: all. `kube-system` and the operator's own namespace are selected only when they are named:
	// by `matchLabels` or an expression with `In`, of the key `kubernetes.io/metadata.name`. Labels that decide whether a namespace is selected can
	// then be changed only by those who may `exempt` this policy. `kubectl explain networkpolicy.spec.podSelector` is where its fields are described.
	NamespaceSelector metav1.LabelSelector `json:"namespaceSelector"`

	// The Pods in these namespaces it is for, by their labels. Without it: all, which is what keeps tenants in: they choose the labels of their
	// Pods. `kubectl explain networkpolicy.spec.podSelector` is where its fields are described.
	// +optional
	PodSelector *metav1.LabelSelector `json:"podSelector,omitempty"`

	// The least isolation that Pods must have. `userspace`: a kernel that runs as a program, as gVisor's; `hardware`: a virtual machine, as with
	// Kata Containers.
	// +kubebuilder:default=userspace
	// +optional
	MinimumClass IsolationClass `json:"minimumClass,omitempty"`

	// Which RuntimeClass gives which isolation. Pods must use one of these; any other, and none, count as the node's own kernel.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	RuntimeClasses []ClassifiedRuntime `json:"runtimeClasses"`

	// The RuntimeClass of Pods that name none. Without it they are refused. Given by the API server where it has MutatingAdmissionPolicy
	// (Kubernetes 1.36, or 1.34 with the beta API on); elsewhere Pods have to name theirs, and `Ready` says so.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +optional
	DefaultRuntimeClassName string `json:"defaultRuntimeClassName,omitempty"`

	// What the label `bulkhead.dev/trust` asks for. A Pod must be isolated as strongly as the level of its namespace and its own level ask, and never
	// less than `minimumClass`: a tenant's label on a Pod can ask for more, not for less. A level that is not listed is refused.
	// +listType=map
	// +listMapKey=level
	// +kubebuilder:validation:MaxItems=16
	// +optional
	TrustLevels []TrustLevel `json:"trustLevels,omitempty"`

	// What Pods may and must do beside having a kernel of their own.
	// +optional
	PodSecurity PodSecurity `json:"podSecurity,omitempty"`

	// How far the failure of one node reaches.
	// +optional
	FailureDomains *FailureDomains `json:"failureDomains,omitempty"`

	// What becomes of Pods that do not comply. `Deny`: they are refused. `Warn`: whoever creates one is warned. `Audit`: it is noted in the API
	// server's audit log. The latter two are for trying a policy: nothing is refused, and nothing filled in.
	// +kubebuilder:default=Deny
	// +optional
	Violation ViolationAction `json:"violation,omitempty"`
}

// IsolationClass is how strong the boundary around a kernel is.
// +kubebuilder:validation:Enum=hardware;userspace
type IsolationClass string

// ClassifiedRuntime is the administrator's word about a RuntimeClass.
type ClassifiedRuntime struct {
	// Of the RuntimeClass.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name"`

	// What its handler makes.
	Class IsolationClass `json:"class"`
}

// TrustLevel is a value of the label `bulkhead.dev/trust`.
type TrustLevel struct {
	// The label's value.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`
	Level string `json:"level"`

	// Given to Pods of this level that name no RuntimeClass; others must be of the same class or a stronger one.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	RuntimeClassName string `json:"runtimeClassName"`
}

// PodSecurity is empty by default, which allows nothing that weakens the boundary around a Pod.
type PodSecurity struct {
	// What is allowed all the same. `HostNamespaces`: the node's network, processes and IPC. `HostPath`: volumes of the node's files. `HostPorts`:
	// ports of the node. `Privileged`: privileged containers, and HostProcess ones. `ServiceAccountToken`: the token for the API server that Pods get
	// unasked, unless `automountServiceAccountToken` is false. `UnconfinedSeccomp`: no seccomp profile.
	// +listType=set
	// +kubebuilder:validation:MaxItems=6
	// +optional
	Allow []Allowance `json:"allow,omitempty"`

	// What is demanded. `UserNamespaces`: `hostUsers` is false. Not a default, because a runtime that makes kernels of their own need not have them, and
	// the kubelet refuses such Pods where the handler does not.
	// +listType=set
	// +kubebuilder:validation:MaxItems=1
	// +optional
	Require []Requirement `json:"require,omitempty"`
}

// Allowance is something that weakens the boundary around a Pod.
// +kubebuilder:validation:Enum=HostNamespaces;HostPath;HostPorts;Privileged;ServiceAccountToken;UnconfinedSeccomp
type Allowance string

// Requirement is something that strengthens it.
// +kubebuilder:validation:Enum=UserNamespaces
type Requirement string

// FailureDomains bounds what is lost together.
type FailureDomains struct {
	// How many nodes the Sandboxes of one tenant (namespace) may be on. Each tenant gets its own small choice of nodes, with as little overlap as can be.
	// +kubebuilder:validation:Minimum=1
	ShardSize int32 `json:"shardSize"`

	// How many tenants (namespaces) may have Sandboxes on one node. Without it: any number.
	// +kubebuilder:validation:Minimum=1
	// +optional
	TenantsPerNode *int32 `json:"tenantsPerNode,omitempty"`

	// Keys of node labels over whose values the nodes of a tenant are spread evenly. Without it: `topology.kubernetes.io/zone`.
	// +listType=set
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=317
	// +optional
	Spread []string `json:"spread,omitempty"`
}

// ViolationAction is what becomes of Pods that do not comply.
// +kubebuilder:validation:Enum=Deny;Warn;Audit
type ViolationAction string

// IsolationPolicyStatus is what was seen of a policy last.
type IsolationPolicyStatus struct {
	// `Ready`: whether the API server has the admission policies made of this one.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// The admission policies that were in place last.
	// +optional
	Compiled *CompiledPolicy `json:"compiled,omitempty"`

	// The generation of the policy that this is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
}

// CompiledPolicy identifies what a policy was compiled to.
type CompiledPolicy struct {
	// Changes with every change of what the API server is told.
	Hash string `json:"hash"`
}
