package dev.gatun.engine.cuda;

import dev.gatun.engine.KvCache;
import java.util.Optional;

/**
 * Launches operations in the order in which they are asked for: those of a single token all at once when its logits are
 * asked for, any others immediately. What the host alone does (uploads, checks) is the caller's and happens at once; before
 * it changes what pending operations read, it calls {@link #flush}.
 */
final class TokenLaunches {
    /** Absent where operations never wait. */
    private final Optional<TokenGraphs> graphs;

    private final PendingToken pending = new PendingToken();
    private boolean isCollecting;

    private TokenLaunches(Optional<TokenGraphs> graphs) {
        this.graphs = graphs;
    }

    /** Those that wait for the token's last operation. */
    static TokenLaunches withGraphs(LaunchRecorder recorder) {
        return new TokenLaunches(Optional.of(new TokenGraphs(recorder)));
    }

    /** Those that do not wait. */
    static TokenLaunches plain() {
        return new TokenLaunches(Optional.empty());
    }

    /** Begins a chunk. What is pending of the chunk before is never launched. */
    void begin(int tokens) {
        pending.clear();
        isCollecting = graphs.isPresent() && tokens == 1;
    }

    /** Launches an operation, now or with the rest of its token. */
    void add(TokenStep step, Runnable launch) {
        add(step, launch, () -> {});
    }

    /**
     * Launches an operation, now or with the rest of its token.
     *
     * @param launch may be recorded, and left out when the record is launched for a later token
     * @param launched what the host does each time that the operation is in the stream
     */
    void add(TokenStep step, Runnable launch, Runnable launched) {
        if (isCollecting) {
            pending.add(step, launch, launched);
        } else {
            launch.run();
            launched.run();
        }
    }

    /**
     * Says which sequence the attention to come belongs to. A token of two sequences, or at two places of one, is not put
     * off any longer.
     *
     * @param pieces into how many pieces attention cuts the sequence's context
     */
    void attendTo(KvCache cache, int pieces) {
        if (isCollecting && !pending.belongTo(cache, pieces)) {
            flush();
        }
    }

    /** Launches one by one what is pending; nothing more of this chunk is put off. */
    void flush() {
        isCollecting = false;
        try {
            pending.runEach();
        } finally {
            pending.clear();
        }
    }

    /** Launches what is pending, a whole token, as one. */
    void finish() {
        if (isCollecting && pending.cache().isPresent()) {
            isCollecting = false;
            try {
                graphs.orElseThrow().launch(pending.cache().get(), pending.form(), pending::launch);
                pending.launched();
            } finally {
                pending.clear();
            }
        } else {
            flush();
        }
    }

    /** Lets go of a sequence whose memory is about to be freed. */
    void forget(KvCache cache) {
        try {
            if (pending.cache().filter(cache::equals).isPresent()) {
                flush();
            }
        } finally {
            graphs.ifPresent(all -> all.forget(cache));
        }
    }

    /** Launches what is pending and lets go of all memory. */
    void release() {
        try {
            flush();
        } finally {
            graphs.ifPresent(TokenGraphs::forgetAll);
        }
    }

    /** Lets go of all memory; what is pending is never launched. */
    void close() {
        pending.clear();
        release();
    }
}
