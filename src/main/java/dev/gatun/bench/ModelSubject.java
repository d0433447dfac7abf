package dev.gatun.bench;

import dev.gatun.GatunException;
import dev.gatun.Generation;
import dev.gatun.GenerationOptions;
import dev.gatun.GenerationStatistics;
import dev.gatun.LoadingListener;
import dev.gatun.Model;
import dev.gatun.ModelOptions;
import dev.gatun.ModelSource;
import dev.gatun.Session;
import dev.gatun.SessionOptions;
import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.CheckpointException;
import dev.gatun.offload.ModelSizes;
import java.util.List;
import java.util.Optional;

/**
 * A model from a folder, measured through the API that people embed: so with choosing tokens, greedily, and with making text
 * of them. Prompts are random tokens.
 */
final class ModelSubject implements BenchSubject {
    private static final GenerationOptions GREEDY =
            GenerationOptions.builtIn().withTemperature(0).withIgnoreEnd(true);

    private final Model model;
    private final Session session;
    private final BenchDescription description;

    private ModelSubject(Model model, Session session, BenchDescription description) {
        this.model = model;
        this.session = session;
        this.description = description;
    }

    /**
     * Opens a model.
     *
     * @param context tokens of a sequence
     * @param listener hears how far experts are loaded into host memory
     * @throws GatunException as {@link Model#open(ModelSource, ModelOptions, LoadingListener)} and
     *     {@link Model#newSession(SessionOptions)}
     */
    static ModelSubject open(ModelSource source, ModelOptions options, int context, LoadingListener listener) {
        Model model = Model.open(source, options, listener);
        try {
            Session session = model.newSession(SessionOptions.defaults().withContextLength(context));
            return new ModelSubject(model, session, describe(source, model, options));
        } catch (RuntimeException | Error failure) {
            model.close();
            throw failure;
        }
    }

    private static BenchDescription describe(ModelSource source, Model model, ModelOptions options) {
        try (Checkpoint checkpoint = Checkpoint.open(source.forCheckpoint())) {
            return BenchDescription.of(
                    model.name(),
                    checkpoint.config(),
                    ModelSizes.stored(checkpoint.config(), checkpoint.weights(), ModelSizes.GPU_CHUNK),
                    model.backend().name(),
                    model.backend().description(),
                    options.gpuMemory(),
                    model.backend().hostMemory());
        } catch (CheckpointException gone) {
            throw new GatunException(gone.getMessage(), gone);
        }
    }

    @Override
    public BenchDescription description() {
        return description;
    }

    @Override
    public List<String> notes() {
        return model.backend().notes();
    }

    @Override
    public int maxTokens() {
        return session.contextLength();
    }

    @Override
    public Measurement prompt(int tokens) {
        GenerationStatistics statistics = run(tokens, 1);
        return measurement(
                tokens,
                statistics.promptTime().toNanos(),
                statistics.promptOffload().map(FetchCost::of));
    }

    /** The first token comes out of the prompt, so one more is generated than counts. */
    @Override
    public Measurement generate(int tokens) {
        GenerationStatistics statistics = run(1, tokens + 1);
        return measurement(
                tokens,
                statistics.decodeTime().toNanos(),
                statistics.decodeOffload().map(FetchCost::of));
    }

    private GenerationStatistics run(int promptTokens, int generated) {
        session.rewind(session.length());
        int[] prompt = RandomTokens.ids(promptTokens, model.vocabularySize());
        Generation generation = session.generate(prompt, GREEDY.withMaxTokens(generated), token -> {});
        return generation.statistics();
    }

    private static Measurement measurement(int tokens, long nanos, Optional<FetchCost> cost) {
        return new Measurement(tokens, nanos / 1e9, cost);
    }

    @Override
    public void cancel() {
        session.cancel();
    }

    @Override
    public void close() {
        model.close();
    }
}
