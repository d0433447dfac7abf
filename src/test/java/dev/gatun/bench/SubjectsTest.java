package dev.gatun.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.BackendPreference;
import dev.gatun.LoadingListener;
import dev.gatun.ModelOptions;
import dev.gatun.ModelSource;
import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cpu.CpuLevel;
import dev.gatun.engine.cpu.CpuBackend;
import dev.gatun.offload.KnownModel;
import dev.gatun.offload.ModelSizes;
import java.nio.file.Path;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** Both kinds of subject, with the demo model on the CPU. */
class SubjectsTest {
    private static final Path DEMO = Path.of(System.getProperty("gatun.demo"), "hqq-small");

    /** The second run begins where the first one did, or there would be no room for it. */
    private static void requireMeasurements(BenchSubject subject) {
        for (int run = 0; run < 2; run++) {
            Measurement prompt = subject.prompt(600);
            assertThat(prompt.tokens()).isEqualTo(600);
            assertThat(prompt.seconds()).isPositive();
            assertThat(prompt.cost()).isEmpty();
            Measurement generated = subject.generate(5);
            assertThat(generated.tokens()).isEqualTo(5);
            assertThat(generated.seconds()).isPositive();
        }
        assertThat(subject.maxTokens()).isEqualTo(700);
        assertThat(subject.description().sizes().layers()).isEqualTo(5);
        assertThat(subject.description().backend()).isEqualTo("cpu");
    }

    @Test
    void aModelFromAFolderIsMeasured() {
        ModelOptions options =
                ModelOptions.defaults().withBackend(BackendPreference.CPU).withThreads(2);
        try (BenchSubject subject = BenchSubjects.model(ModelSource.of(DEMO), options, 700, LoadingListener.NONE)) {
            requireMeasurements(subject);
            assertThat(subject.description().model()).isEqualTo("hqq-small");
            assertThat(subject.description().gpuMemory()).isEmpty();
            assertThat(subject.description().hostMemory()).isZero();
        }
    }

    private static BenchSubject bare(Checkpoint checkpoint, int capacity) {
        ModelSizes sizes = ModelSizes.stored(checkpoint.config(), checkpoint.weights(), 512);
        CpuBackend backend = new CpuBackend(checkpoint.config(), checkpoint.weights(), 2, CpuLevel.chosen());
        BenchDescription description = BenchDescription.of(
                "bare",
                checkpoint.config(),
                sizes,
                "cpu",
                backend.description(),
                OptionalLong.empty(),
                backend.hostMemory());
        return new PassSubject(description, checkpoint.config(), backend, capacity);
    }

    @Test
    void aBackendAloneIsMeasured() {
        try (Checkpoint checkpoint = Checkpoint.open(DEMO)) {
            try (BenchSubject subject = bare(checkpoint, 700)) {
                requireMeasurements(subject);
            }
        }
    }

    @Test
    void whatIsCancelledEndsEarly() {
        try (Checkpoint checkpoint = Checkpoint.open(DEMO)) {
            try (BenchSubject subject = bare(checkpoint, 2000)) {
                double whole = subject.prompt(1900).seconds();
                subject.cancel();
                assertThat(subject.prompt(1900).seconds()).isLessThan(whole / 10);
            }
        }
    }

    @Test
    void operationsAreTwoForEachActiveWeight() {
        MixtralConfig config = KnownModel.MIXTRAL_8X7B.config();
        BenchDescription description =
                BenchDescription.of("mixtral-8x7b", config, FakeSubject.SIZES, "cuda", "cuda", OptionalLong.empty(), 0);
        // 12.9 billion active weights, less embeddings and head.
        assertThat(description.operationsPerToken()).isBetween(2 * 12.5e9, 2 * 12.7e9);
    }
}
