package dev.gatun;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.offload.CacheShape;
import dev.gatun.offload.HostMode;
import dev.gatun.offload.MissMode;
import dev.gatun.offload.OffloadOptions;
import dev.gatun.offload.PolicyKind;
import dev.gatun.offload.TraceWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelOptionsTest {
    @TempDir
    private Path temporary;

    @Test
    void defaultsAreTheOffloadingRoomsOwn() {
        assertThat(OffloadSettings.of(ModelOptions.defaults())).isEqualTo(OffloadOptions.defaults());
    }

    @Test
    void everyOptionReachesTheOffloadingRoom() {
        ModelOptions options = ModelOptions.defaults()
                .withBackend(BackendPreference.CPU)
                .withThreads(3)
                .withGpuMemory(12)
                .withHostMemory(34)
                .withExpertPolicy(ExpertPolicy.LFU)
                .withSlots(ExpertSlots.POOL)
                .withPrefetch(3)
                .withHostMode(HostMemoryMode.EXCLUSIVE)
                .withContextLength(100)
                .withMisses(ExpertMisses.CPU)
                .withSimulatedLink(12e9)
                .withTimes(true);
        assertThat(options.times()).isTrue();
        assertThat(options.simulatedLink()).hasValue(12e9);
        assertThat(options.backend()).isEqualTo(BackendPreference.CPU);
        assertThat(options.threads()).isEqualTo(3);
        assertThat(OffloadSettings.of(options))
                .isEqualTo(OffloadOptions.defaults()
                        .withGpuMemory(12)
                        .withHostMemory(34)
                        .withPolicy(PolicyKind.LFU)
                        .withSharing(CacheShape.Sharing.POOL)
                        .withPrefetch(3)
                        .withHostMode(HostMode.EXCLUSIVE)
                        .withContext(100)
                        .withMisses(MissMode.CPU));
    }

    @Test
    void eachWayWithMissesHasItsMode() {
        for (ExpertMisses misses : ExpertMisses.values()) {
            assertThat(OffloadSettings.of(ModelOptions.defaults().withMisses(misses))
                            .misses()
                            .name())
                    .isEqualTo(misses.name());
        }
        assertThat(MissMode.values()).hasSameSizeAs(ExpertMisses.values());
    }

    /** Of a model with one layer of four experts. */
    private Path recording() throws IOException {
        Path file = temporary.resolve("trace.jsonl");
        try (TraceWriter writer = new TraceWriter(Files.newBufferedWriter(file), "tiny", 1, 4, 2)) {
            writer.token(0, new int[][] {{3, 1}}, new float[][] {{0.7f, 0.3f}});
        }
        return file;
    }

    @Test
    void aPlacementOfAnotherModelIsRefusedWhateverRuns() throws IOException {
        ModelOptions options =
                ModelOptions.defaults().withBackend(BackendPreference.CPU).withPlacement(recording());
        requireMistake("1 layers of 4 experts", () -> Model.open(DemoModel.FOLDER, options));
    }

    @Test
    void aPlacementIsReadFromItsRecording() throws IOException {
        Path file = recording();
        OffloadOptions options = OffloadSettings.of(ModelOptions.defaults().withPlacement(file));
        assertThat(options.policy()).isEqualTo(PolicyKind.FIXED);
        assertThat(options.placement().orElseThrow().uses()).containsExactly(0, 1, 0, 1);
        ModelOptions back = ModelOptions.defaults().withPlacement(file).withExpertPolicy(ExpertPolicy.FIFO);
        assertThat(OffloadSettings.of(back)).isEqualTo(OffloadOptions.defaults().withPolicy(PolicyKind.FIFO));
    }

    @Test
    void aMistakeIsOneLine() {
        ModelOptions options = ModelOptions.defaults();
        requireMistake("GPU memory: 0 bytes", () -> options.withGpuMemory(0));
        requireMistake("host memory: -5 bytes", () -> options.withHostMemory(-5));
        requireMistake("prefetch: 4", () -> options.withPrefetch(4));
        requireMistake("policy: fixed", () -> options.withExpertPolicy(ExpertPolicy.FIXED));
        requireMistake("context length: -1", () -> options.withContextLength(-1));
        requireMistake("simulated link: 0.0 bytes", () -> options.withSimulatedLink(0));
        requireMistake("simulated link: NaN bytes", () -> options.withSimulatedLink(Double.NaN));
        requireMistake("threads: 1025", () -> options.withThreads(1025));
        requireMistake("/nowhere", () -> OffloadSettings.of(options.withPlacement(Path.of("/nowhere"))));
    }

    private static void requireMistake(String named, Runnable made) {
        assertThatThrownBy(made::run)
                .isInstanceOf(GatunException.class)
                .hasMessageContaining(named)
                .satisfies(mistake -> assertThat(mistake.getMessage().lines()).hasSize(1));
    }
}
