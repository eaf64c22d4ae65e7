// Decodes documents with the types that Go programs use for images: one line of JSON in, {"kind", "text"}, one line out, {"error"} or {"value"}.
package main

import (
	"bufio"
	"encoding/json"
	"os"

	"github.com/opencontainers/image-spec/specs-go/v1"
)

func decode(kind string, text []byte) (any, error) {
	var value any
	switch kind {
	case "manifest":
		value = &v1.Manifest{}
	case "index":
		value = &v1.Index{}
	case "config":
		value = &v1.Image{}
	default:
		value = &v1.ImageLayout{}
	}
	return value, json.Unmarshal(text, value)
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	answers := json.NewEncoder(out)
	for lines.Scan() {
		var asked struct {
			Kind string
			Text []byte
		}
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		value, err := decode(asked.Kind, asked.Text)
		if err != nil {
			answers.Encode(map[string]any{"error": err.Error()})
			continue
		}
		answers.Encode(map[string]any{"value": value})
	}
}
