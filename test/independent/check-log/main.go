// Command check-log checks an export of the ledger, or its bucket over HTTP, with Go's own implementation of signed
// notes and Merkle trees and none of Sluice's code.
//
//	check-log VKEY DIRECTORY-OR-URL [RECEIPT RECORD]
//
// It verifies every checkpoint's signature; reads the tiles through tlog.TileHashReader, which believes only what the
// newest checkpoint's root vouches for; hashes every record of the bundles and compares it with its leaf; makes and
// checks an inclusion proof of every record (of some, in a large log) and consistency proofs between all checkpoints;
// and, when given one, checks a receipt.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height    = 8
	width     = 1 << height
	proofsMax = 1000
)

// source gives the files of a log by their paths.
type source func(path string) ([]byte, error)

func sourceAt(place string) source {
	if !strings.HasPrefix(place, "http") {
		return func(path string) ([]byte, error) { return os.ReadFile(filepath.Join(place, path)) }
	}
	return func(path string) ([]byte, error) {
		response, err := http.Get(strings.TrimSuffix(place, "/") + "/" + path)
		if err != nil {
			return nil, err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("%s: %s", path, response.Status)
		}
		return io.ReadAll(response.Body)
	}
}

// pathOf is the tile's path by C2SP tlog-tiles, which has no height in it.
func pathOf(tile tlog.Tile) string {
	return "tile/" + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
}

// tiles lets tlog read the tiles of a source.
type tiles struct{ read source }

func (t tiles) Height() int                     { return height }
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		data, err := t.read(pathOf(tile))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func open(signed []byte, verifier note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("not a checkpoint of %s", verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	hash, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(hash) != tlog.HashSize {
		return tlog.Tree{}, errors.New("the root is no hash")
	}
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], hash)
	return tree, nil
}

// checkpoints are all of an export, oldest first; of a bucket the newest, which is what it shows.
func checkpoints(place string, read source, verifier note.Verifier) ([]tlog.Tree, error) {
	names := []string{"checkpoint"}
	if !strings.HasPrefix(place, "http") {
		entries, err := os.ReadDir(filepath.Join(place, "checkpoints"))
		if err != nil {
			return nil, err
		}
		names = nil
		for _, entry := range entries {
			names = append(names, "checkpoints/"+entry.Name())
		}
	}
	var trees []tlog.Tree
	for _, name := range names {
		signed, err := read(name)
		if err != nil {
			return nil, err
		}
		tree, err := open(signed, verifier)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		trees = append(trees, tree)
	}
	sort.Slice(trees, func(i, j int) bool { return trees[i].N < trees[j].N })
	if len(trees) == 0 {
		return nil, errors.New("there is no checkpoint")
	}
	return trees, nil
}

// checkRecords hashes every record of the bundles and compares it with the leaf that the checkpoint vouches for.
func checkRecords(tree tlog.Tree, read source, hashes tlog.HashReader) error {
	for first := int64(0); first < tree.N; first += width {
		tile := tlog.Tile{H: height, L: 0, N: first / width, W: int(min(width, tree.N-first))}
		path := strings.Replace(pathOf(tile), "tile/0/", "tile/entries/", 1)
		data, err := read(path)
		if err != nil {
			return err
		}
		for at := first; at < first+int64(tile.W); at++ {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				return fmt.Errorf("%s ends before record %d", path, at)
			}
			length := 2 + int(binary.BigEndian.Uint16(data))
			leaf, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, at)})
			if err != nil {
				return err
			}
			if tlog.RecordHash(data[2:length]) != leaf[0] {
				return fmt.Errorf("record %d of %s is not the one in the tree", at, path)
			}
			data = data[length:]
		}
		if len(data) > 0 {
			return fmt.Errorf("%s holds more than its records", path)
		}
	}
	return nil
}

func checkProofs(trees []tlog.Tree, hashes tlog.HashReader) (int, error) {
	newest := trees[len(trees)-1]
	count := 0
	for at := int64(0); at < newest.N; at += max(1, newest.N/proofsMax) {
		leaf, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, at)})
		if err != nil {
			return count, err
		}
		proof, err := tlog.ProveRecord(newest.N, at, hashes)
		if err != nil {
			return count, err
		}
		if err := tlog.CheckRecord(proof, newest.N, newest.Hash, at, leaf[0]); err != nil {
			return count, fmt.Errorf("record %d: %w", at, err)
		}
		count++
	}
	for _, older := range trees[:len(trees)-1] {
		proof, err := tlog.ProveTree(newest.N, older.N, hashes)
		if err != nil {
			return count, err
		}
		if err := tlog.CheckTree(proof, newest.N, newest.Hash, older.N, older.Hash); err != nil {
			return count, fmt.Errorf("the checkpoint of %d records: %w", older.N, err)
		}
		count++
	}
	return count, nil
}

func checkReceipt(receipt, record []byte, verifier note.Verifier) error {
	head, signed, found := bytes.Cut(receipt, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("this is no receipt")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		data, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(data) != tlog.HashSize {
			return errors.New("a line of the proof is no hash")
		}
		proof = append(proof, tlog.Hash(data))
	}
	tree, err := open(signed, verifier)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(record))
}

func run(arguments []string) error {
	if len(arguments) != 2 && len(arguments) != 4 {
		return errors.New("usage: check-log VKEY DIRECTORY-OR-URL [RECEIPT RECORD]")
	}
	verifier, err := note.NewVerifier(arguments[0])
	if err != nil {
		return err
	}
	place := arguments[1]
	read := sourceAt(place)
	trees, err := checkpoints(place, read, verifier)
	if err != nil {
		return err
	}
	newest := trees[len(trees)-1]
	hashes := tlog.TileHashReader(newest, tiles{read})
	if err := checkRecords(newest, read, hashes); err != nil {
		return err
	}
	proofs, err := checkProofs(trees, hashes)
	if err != nil {
		return err
	}
	if len(arguments) == 4 {
		receipt, err := os.ReadFile(arguments[2])
		if err != nil {
			return err
		}
		record, err := os.ReadFile(arguments[3])
		if err != nil {
			return err
		}
		if err := checkReceipt(receipt, record, verifier); err != nil {
			return fmt.Errorf("the receipt: %w", err)
		}
	}
	fmt.Printf("%d records, %d checkpoints, %d proofs\n", newest.N, len(trees), proofs)
	return nil
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
