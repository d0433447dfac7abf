package dev.gatun.bench;

import dev.gatun.offload.ModelSizes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** A subject that takes no time, remembers what it was asked for, and gives out rates of 10, 20, 30 tokens a second. */
final class FakeSubject implements BenchSubject {
    static final ModelSizes SIZES = new ModelSizes(10, 8, 2, 1_200, 1_000, 100, 1, 0);

    private final List<String> calls = new ArrayList<>();
    private final Optional<FetchCost> cost;
    private Runnable during = () -> {};
    private int measured;

    FakeSubject(Optional<FetchCost> cost) {
        this.cost = cost;
    }

    List<String> calls() {
        return calls;
    }

    /** Does something in each run that follows. */
    void during(Runnable work) {
        during = work;
    }

    static BenchDescription description(OptionalLong gpuMemory) {
        return new BenchDescription("fake", SIZES, "cuda", "cuda (a \"fake\", 1 GPU)", gpuMemory, 7, 4e6);
    }

    @Override
    public BenchDescription description() {
        return description(OptionalLong.empty());
    }

    @Override
    public List<String> notes() {
        return List.of();
    }

    @Override
    public int maxTokens() {
        return 100;
    }

    @Override
    public Measurement prompt(int tokens) {
        return run("prompt " + tokens, tokens);
    }

    @Override
    public Measurement generate(int tokens) {
        return run("generate " + tokens, tokens);
    }

    private Measurement run(String call, int tokens) {
        calls.add(call);
        during.run();
        return new Measurement(tokens, tokens / (10.0 * ++measured), cost);
    }

    @Override
    public void cancel() {
        calls.add("cancel");
    }

    @Override
    public void close() {
        calls.add("close");
    }
}
