// Checks zstd:chunked layers against the libraries of podman, CRI-O and bootc.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
	"go.podman.io/image/v5/copy"
	"go.podman.io/image/v5/signature"
	istorage "go.podman.io/image/v5/storage"
	"go.podman.io/image/v5/transports/alltransports"
	"go.podman.io/image/v5/types"
	"go.podman.io/storage"
	"go.podman.io/storage/pkg/archive"
	"go.podman.io/storage/pkg/chunked/compressor"
	"go.podman.io/storage/pkg/reexec"
)

func main() {
	if reexec.Init() {
		return
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 3 && args[0] == "encode":
		return encode(args[1], args[2])
	case len(args) >= 4 && args[0] == "pull":
		return pull(args[1], args[2] == "partial", args[3:])
	case len(args) == 4 && args[0] == "export":
		return export(args[1], args[2], args[3])
	}
	return errors.New("usage: chunked encode TAR OUT | pull ROOT partial|whole IMAGE... | export ROOT IMAGE FILE")
}

// encode writes what the library makes of a tar: OUT.toc and OUT.split, decompressed, and OUT.json,
// the annotations.
func encode(tar, out string) error {
	in, err := os.Open(tar)
	if err != nil {
		return err
	}
	defer in.Close()
	layer, err := os.Create(out)
	if err != nil {
		return err
	}
	defer layer.Close()
	annotations := map[string]string{}
	level := 3
	writer, err := compressor.ZstdCompressor(layer, annotations, &level)
	if err != nil {
		return err
	}
	if _, err := io.Copy(writer, in); err != nil {
		return err
	}
	if err := writer.Close(); err != nil {
		return err
	}
	for suffix, key := range map[string]string{"toc": "manifest", "split": "tarsplit"} {
		var offset, length int64
		position := annotations["io.github.containers.zstd-chunked."+key+"-position"]
		if _, err := fmt.Sscanf(position, "%d:%d:", &offset, &length); err != nil {
			return err
		}
		decoder, err := zstd.NewReader(io.NewSectionReader(layer, offset, length))
		if err != nil {
			return err
		}
		text, err := io.ReadAll(decoder)
		if err != nil {
			return err
		}
		if err := os.WriteFile(out+"."+suffix, text, 0o600); err != nil {
			return err
		}
	}
	text, err := json.Marshal(annotations)
	if err != nil {
		return err
	}
	return os.WriteFile(out+".json", text, 0o600)
}

func openStore(root string, isPartial bool) (storage.Store, error) {
	options := storage.StoreOptions{
		RunRoot:         root + "/run",
		GraphRoot:       root + "/graph",
		GraphDriverName: "overlay",
		PullOptions: map[string]string{
			"enable_partial_images": fmt.Sprint(isPartial),
			"use_hard_links":        "false",
		},
	}
	return storage.GetStore(options)
}

// pull copies images into a store one after the other, and prints the ID of each.
func pull(root string, isPartial bool, images []string) error {
	store, err := openStore(root, isPartial)
	if err != nil {
		return err
	}
	defer store.Shutdown(true)
	policy, err := signature.NewPolicyContext(&signature.Policy{
		Default: []signature.PolicyRequirement{signature.NewPRInsecureAcceptAnything()},
	})
	if err != nil {
		return err
	}
	auth := root + "/auth.json"
	if err := os.WriteFile(auth, []byte("{}"), 0o600); err != nil {
		return err
	}
	for _, name := range images {
		source, err := alltransports.ParseImageName(name)
		if err != nil {
			return err
		}
		target, err := istorage.Transport.ParseStoreReference(store, source.DockerReference().String())
		if err != nil {
			return err
		}
		_, err = copy.Image(context.Background(), policy, target, source, &copy.Options{
			SourceCtx: &types.SystemContext{
				DockerInsecureSkipTLSVerify: types.OptionalBoolTrue,
				AuthFilePath:                auth,
			},
			ReportWriter: os.Stderr,
		})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		image, err := store.Image(source.DockerReference().String())
		if err != nil {
			return err
		}
		fmt.Println(image.ID)
		layer, err := store.Layer(image.TopLayer)
		if err != nil {
			return err
		}
		fmt.Println("toc", layer.TOCDigest, "diff", layer.UncompressedDigest)
	}
	return nil
}

// export writes the image's top layer as a tar, from its files and the tar-split.
func export(root, name, out string) error {
	store, err := openStore(root, true)
	if err != nil {
		return err
	}
	defer store.Shutdown(true)
	image, err := store.Image(name)
	if err != nil {
		return err
	}
	plain := archive.Uncompressed
	diff, err := store.Diff("", image.TopLayer, &storage.DiffOptions{Compression: &plain})
	if err != nil {
		return err
	}
	defer diff.Close()
	file, err := os.Create(out)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, diff); err != nil {
		return err
	}
	return file.Close()
}
