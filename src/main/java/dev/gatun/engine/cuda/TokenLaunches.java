package dev.gatun.engine.cuda;

import dev.gatun.engine.KvCache;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Launches operations in the order in which they are asked for: those of a single token all at once when its logits are
 * asked for, or, where the host has a part in it, all those since its last part; any others immediately. What the host alone
 * does (uploads, checks) is the caller's and happens at once; before
 * it changes what pending operations read, it calls {@link #flush}.
 */
final class TokenLaunches {
    /** Absent where operations never wait. */
    private final Optional<LaunchRecorder> recorder;

    /** Of what comes before the host's first part in a token, of what comes between that and its second, and so on. */
    private final List<TokenGraphs> segments = new ArrayList<>();

    private final PendingToken pending = new PendingToken();
    private boolean isCollecting;
    private int segment;

    private TokenLaunches(Optional<LaunchRecorder> recorder) {
        this.recorder = recorder;
    }

    /** Those that wait for the token's last operation. */
    static TokenLaunches withGraphs(LaunchRecorder recorder) {
        return new TokenLaunches(Optional.of(recorder));
    }

    /** Those that do not wait. */
    static TokenLaunches plain() {
        return new TokenLaunches(Optional.empty());
    }

    /** Begins a chunk. What is pending of the chunk before is never launched. */
    void begin(int tokens) {
        pending.clear();
        segment = 0;
        isCollecting = recorder.isPresent() && tokens == 1;
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

    /** Launches what is pending, and then does the host's part, which cannot be put off. */
    void addOnHost(Runnable part) {
        if (isCollecting) {
            launchSegment();
            pending.goOn();
        }
        part.run();
    }

    private void launchSegment() {
        if (pending.cache().isEmpty()) {
            pending.runEach();
            return;
        }
        if (segment == segments.size()) {
            segments.add(new TokenGraphs(recorder.orElseThrow()));
        }
        segments.get(segment++).launch(pending.cache().get(), pending.form(), pending::launch);
        pending.launched();
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

    /** Launches what is pending, a whole token or the end of one, as one. */
    void finish() {
        if (isCollecting) {
            isCollecting = false;
            try {
                launchSegment();
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
            segments.forEach(graphs -> graphs.forget(cache));
        }
    }

    /** Launches what is pending and lets go of all memory. */
    void release() {
        try {
            flush();
        } finally {
            segments.forEach(TokenGraphs::forgetAll);
        }
    }

    /** Lets go of all memory; what is pending is never launched. */
    void close() {
        pending.clear();
        release();
    }
}
