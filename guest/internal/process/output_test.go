package process

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	processv1 "bulkhead.dev/guest/internal/gen/process"
)

// drain takes until the end, with pauses that the other side cannot foresee.
func drain(r *reader, pause func()) (all []byte) {
	for {
		_, data, end := r.take()
		switch {
		case data != nil:
			all = append(all, data...)
			pause()
		case end != nil:
			return all
		default:
			<-r.wake
		}
	}
}

// Whatever the sizes of what is published and whoever is how slow: every reader has every byte in order.
func TestOutputIsWholeForEveryReader(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		out := newOutput()
		want := make([]byte, 3<<20)
		for i := range want {
			want[i] = byte(random.Uint32())
		}
		var group sync.WaitGroup
		for range 3 {
			r := out.join()
			group.Go(func() {
				defer r.leave()
				own := rand.New(rand.NewPCG(seed, 1))
				got := drain(r, func() {
					if own.IntN(8) == 0 {
						runtime.Gosched()
					}
				})
				if !bytes.Equal(got, want) {
					t.Errorf("seed %d: %d of %d bytes, or others", seed, len(got), len(want))
				}
			})
		}
		for from := 0; from < len(want); {
			buffer := chunkPool.Get().(*[chunkSize]byte)
			n := min(1+random.IntN([]int{8, 2000, chunkSize}[random.IntN(3)]), len(want)-from, chunkSize)
			copy(buffer[:], want[from:from+n])
			if random.IntN(2) == 0 {
				out.publish(stdout, buffer[:n], buffer)
			} else {
				out.publish(stdout, buffer[:n], nil)
				clear(buffer[:n]) // it was copied
				chunkPool.Put(buffer)
			}
			from += n
		}
		out.finish(&processv1.ProcessEvent_EndEvent{})
		group.Wait()
	}
}

func TestOutputIsBounded(t *testing.T) {
	out := newOutput()
	piece := make([]byte, 1000)
	for range 10_000 {
		out.publish(stdout, piece, nil)
	}
	if out.buffered > maxTail+chunkSize {
		t.Errorf("without a reader %d bytes are held", out.buffered)
	}

	r := out.join()
	published := make(chan struct{})
	go func() {
		defer close(published)
		for range 10_000 {
			out.publish(stdout, piece, nil)
		}
	}()
	for range 40 {
		if _, data, _ := r.take(); data == nil {
			<-r.wake
		}
		out.mu.Lock()
		if out.buffered > maxBuffered+2*chunkSize {
			t.Errorf("for a slow reader %d bytes are held", out.buffered)
		}
		out.mu.Unlock()
	}
	r.leave()
	<-published // the one that waited goes on
}

func TestTheNextReaderStartsWhereTheLastStopped(t *testing.T) {
	out := newOutput()
	first := out.join()
	out.publish(stdout, []byte("given"), nil)
	_, data, _ := first.take()
	if string(data) != "given" {
		t.Fatalf("got %q", data)
	}
	out.publish(stdout, []byte(" and not"), nil)
	first.leave()
	out.publish(stdout, []byte(" nor this"), nil)
	second := out.join()
	if _, data, _ := second.take(); string(data) != " and not nor this" {
		t.Errorf("got %q", data)
	}
	late := out.join()
	out.publish(stdout, []byte("!"), nil)
	if _, data, _ := late.take(); string(data) != "!" {
		t.Errorf("the late one got %q", data)
	}
}
