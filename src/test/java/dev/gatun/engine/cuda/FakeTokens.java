package dev.gatun.engine.cuda;

import dev.gatun.engine.KvCache;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A model whose residual stream is a hash of all that its kernels saw: of device memory when they ran, of host values when
 * they were launched. So two runs that differ in either have other results.
 */
final class FakeTokens {
    private static final int LAYERS = 3;

    private final FakeRecorder recorder;
    private final TokenLaunches launches;
    private final List<Integer> results = new ArrayList<>();
    private final List<Integer> noted = new ArrayList<>();

    private boolean hostParts;
    private Optional<LateHost> late = Optional.empty();

    // Device memory.
    private int id;
    private int position;
    private int stream;

    FakeTokens(FakeRecorder recorder, TokenLaunches launches) {
        this.recorder = recorder;
        this.launches = launches;
    }

    static FakeTokens withGraphs(FakeRecorder recorder) {
        return new FakeTokens(recorder, TokenLaunches.withGraphs(recorder));
    }

    static FakeTokens plain() {
        return new FakeTokens(new FakeRecorder(), TokenLaunches.plain());
    }

    /** A model whose experts the host computes while what follows is put in. */
    static FakeTokens withLateHost(FakeRecorder recorder) {
        LateHost host = new LateHost(recorder);
        FakeTokens tokens = new FakeTokens(recorder, TokenLaunches.withGraphs(new HostFirst(recorder, host::finish)));
        tokens.late = Optional.of(host);
        return tokens;
    }

    /** The host's part, and the memory in which it is handed over. */
    private static final class LateHost {
        private static final int NOTHING = -1;

        private final FakeRecorder recorder;
        private int layer = NOTHING;
        private int handed = NOTHING;

        private LateHost(FakeRecorder recorder) {
            this.recorder = recorder;
        }

        private void begin(int itsLayer) {
            finish();
            layer = itsLayer;
        }

        private void finish() {
            if (layer != NOTHING) {
                handed = layer;
                layer = NOTHING;
                recorder.release();
                handed = NOTHING;
            }
        }
    }

    /** The same model, whose experts the host has a part in. */
    FakeTokens withHostParts() {
        hostParts = true;
        return this;
    }

    TokenLaunches launches() {
        return launches;
    }

    /** What the head computed, each time. */
    List<Integer> results() {
        return results;
    }

    /** The layers whose launch the host was told of. */
    List<Integer> noted() {
        return noted;
    }

    /** A whole chunk; a token of it has {@code newId}. */
    void pass(int tokens, int newId, KvCache cache, int newPosition, int pieces) {
        embed(tokens, newId);
        place(newPosition);
        for (int layer = 0; layer < LAYERS; layer++) {
            attend(layer, cache, pieces);
            experts(layer);
        }
        head();
    }

    void embed(int tokens, int newId) {
        late.ifPresent(LateHost::finish);
        launches.begin(tokens);
        id = newId;
        launches.add(new TokenStep.Embed(), () -> recorder.launch(() -> stream = id));
    }

    /** Before any attention of the chunk. */
    void place(int newPosition) {
        position = newPosition;
    }

    void attend(int layer, KvCache cache, int pieces) {
        launches.attendTo(cache, pieces);
        int sequence = System.identityHashCode(cache);
        launches.add(
                new TokenStep.Attend(layer),
                () -> recorder.launch(() -> stream = Objects.hash(stream, layer, sequence, pieces, position)));
    }

    void experts(int layer) {
        Runnable kernel = () -> recorder.launch(() -> stream = Objects.hash(stream, layer));
        if (late.isPresent()) {
            LateHost host = late.get();
            launches.addOnHost(() -> {
                host.begin(layer);
                recorder.launchWaiting(() -> stream = Objects.hash(stream, host.handed));
                noted.add(layer);
            });
        } else if (hostParts) {
            launches.addOnHost(() -> {
                kernel.run();
                noted.add(layer);
            });
        } else {
            launches.add(new TokenStep.Experts(layer), kernel, () -> noted.add(layer));
        }
    }

    void head() {
        launches.add(new TokenStep.Head(), () -> recorder.launch(() -> results.add(stream)));
        launches.finish();
        late.ifPresent(LateHost::finish);
    }
}
