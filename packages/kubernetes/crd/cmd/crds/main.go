// Command crds makes the CustomResourceDefinitions out of the Go types of this module, one JSON file each.
//
//	go run ./cmd/crds FOLDER
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/packages"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/controller-tools/pkg/crd"
	"sigs.k8s.io/controller-tools/pkg/loader"
	"sigs.k8s.io/controller-tools/pkg/markers"

	// The generator reads the types leniently; the compiler, because of these, does not.
	_ "bulkhead.dev/kubernetes/crd/agents/v1beta1"
	_ "bulkhead.dev/kubernetes/crd/bulkhead/v1alpha1"
	_ "bulkhead.dev/kubernetes/crd/extensions/v1beta1"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "crds:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: crds FOLDER")
	}
	definitions, err := definitions("./agents/...", "./bulkhead/...", "./extensions/...")
	if err != nil {
		return err
	}
	for _, definition := range definitions {
		content, err := encoded(definition)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("%s_%s.json", definition.Spec.Group, definition.Spec.Names.Plural)
		if err := os.WriteFile(filepath.Join(args[0], name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func definitions(patterns ...string) ([]apiextensions.CustomResourceDefinition, error) {
	roots, err := loader.LoadRoots(patterns...)
	if err != nil {
		return nil, err
	}
	registry := &markers.Registry{}
	generator := crd.Generator{}
	if err := generator.RegisterMarkers(registry); err != nil {
		return nil, err
	}
	parser := &crd.Parser{
		Collector: &markers.Collector{Registry: registry},
		Checker:   &loader.TypeChecker{NodeFilters: []loader.NodeFilter{generator.CheckFilter()}},
	}
	crd.AddKnownTypes(parser)
	for _, root := range roots {
		parser.NeedPackage(root)
	}
	kinds := crd.FindKubeKinds(parser, crd.FindMetav1(roots))
	for ident := range parser.Types {
		for _, kind := range kinds {
			if parser.GroupVersions[ident.Package].Group == kind.Group && ident.Name == kind.Kind {
				parser.NeedSchemaFor(ident)
			}
		}
	}
	editDescriptions(parser)
	var made []apiextensions.CustomResourceDefinition
	for _, kind := range kinds {
		parser.NeedCRDFor(kind, nil)
		definition := parser.CustomResourceDefinitions[kind]
		crd.FixTopLevelMetadata(definition)
		made = append(made, definition)
	}
	// Types that the filter left out look undefined to it.
	if loader.PrintErrors(roots, packages.TypeError) {
		return nil, fmt.Errorf("the types have errors")
	}
	return made, nil
}

// editDescriptions takes the descriptions off what Kubernetes itself describes (`kubectl explain pod.spec`): with them, a definition does not fit
// into the annotation of 256 KiB in which `kubectl apply` keeps what it applied. Conditions keep theirs. Where our comments break their lines is
// not where a terminal should.
func editDescriptions(parser *crd.Parser) {
	for ident, schema := range parser.Schemata {
		edited := *schema.DeepCopy()
		switch {
		case strings.HasPrefix(ident.Package.PkgPath, "bulkhead.dev/"):
			crd.EditSchema(&edited, description(func(text string) string { return strings.ReplaceAll(text, "\n", " ") }))
		case ident.Name != "Condition":
			crd.EditSchema(&edited, description(func(string) string { return "" }))
		}
		parser.Schemata[ident] = edited
	}
}

// description edits the descriptions of a schema.
type description func(string) string

func (edit description) Visit(schema *apiextensions.JSONSchemaProps) crd.SchemaVisitor {
	if schema != nil {
		schema.Description = edit(schema.Description)
	}
	return edit
}

// encoded is a definition as it is applied: without a status, which is the API server's to write.
func encoded(definition apiextensions.CustomResourceDefinition) ([]byte, error) {
	raw, err := json.Marshal(definition)
	if err != nil {
		return nil, err
	}
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, err
	}
	delete(object, "status")
	delete(object["metadata"].(map[string]any), "creationTimestamp")
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	err = encoder.Encode(object)
	return out.Bytes(), err
}
