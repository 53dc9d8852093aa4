package runtimeapi

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"connectrpc.com/connect"
	"github.com/kballard/go-shellquote"

	"bulkhead.dev/guest/internal/fault"
)

// maxExecuteBody bounds a command line. The kernel takes 2 MiB of arguments.
const maxExecuteBody = 4 << 20

type executeRequest struct {
	Command string `json:"command"`
	// TimeoutSeconds lowers the service's limit. From SDKs that know it.
	TimeoutSeconds *float64 `json:"timeout_seconds"`
}

// execute runs a command line without a shell and answers when it has ended. What could not be started, too, is an answer: exit code 1 and the reason.
func (s *Service) execute(w http.ResponseWriter, r *http.Request, _ string) error {
	var request executeRequest
	body := http.MaxBytesReader(w, r.Body, maxExecuteBody)
	err := json.NewDecoder(body).Decode(&request)
	if err == nil {
		// To its end: only then does the server see that the client leaves.
		_, err = io.Copy(io.Discard, body)
	}
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return err
		}
		return fault.New(connect.CodeInvalidArgument, "the body is not {\"command\": TEXT}: %w", err)
	}
	limit := s.settings.ExecTimeout
	if request.TimeoutSeconds != nil {
		asked, valid := duration(*request.TimeoutSeconds)
		if !valid {
			return fault.New(connect.CodeInvalidArgument, "timeout_seconds has to be above 0")
		}
		limit = min(limit, asked)
	}
	words, err := shellquote.Split(request.Command)
	switch {
	case err != nil:
		answer(w, http.StatusOK, failed("the command cannot be split into words: "+err.Error()))
	case len(words) == 0:
		answer(w, http.StatusOK, failed("the command is empty"))
	default:
		answer(w, http.StatusOK, run(r.Context(), words, s.settings.BaseDir, limit))
	}
	return nil
}
