package dev.gatun.cli;

import dev.gatun.GenerationOptions;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import picocli.CommandLine.Option;

/** The options that say how tokens are chosen; what is not given comes from the model, then from Gatun. */
final class SamplingArguments {
    @Option(
            names = {"-n", "--max-tokens"},
            paramLabel = "N",
            description = "Most tokens to generate; 0 for as many as the context holds. Default: 256.")
    Optional<Integer> maxTokens = Optional.empty();

    @Option(
            names = "--temperature",
            paramLabel = "T",
            description = "0: always the most likely token; 1: the model's own distribution.")
    Optional<Double> temperature = Optional.empty();

    @Option(names = "--top-k", paramLabel = "K", description = "Only the K most likely tokens; 0 for all.")
    Optional<Integer> topK = Optional.empty();

    @Option(
            names = "--top-p",
            paramLabel = "P",
            description = "Only the most likely tokens whose probabilities reach P together; 1 for all.")
    Optional<Double> topP = Optional.empty();

    @Option(
            names = "--min-p",
            paramLabel = "P",
            description = "Only tokens at least P times as likely as the most likely one; 0 for all.")
    Optional<Double> minP = Optional.empty();

    @Option(
            names = "--repetition-penalty",
            paramLabel = "R",
            description = "Makes recent tokens less likely; 1 for no penalty.")
    Optional<Double> repetitionPenalty = Optional.empty();

    @Option(
            names = "--repetition-window",
            paramLabel = "N",
            description = "How many recent tokens the penalty sees. Default: 64.")
    Optional<Integer> repetitionWindow = Optional.empty();

    @Option(
            names = "--seed",
            paramLabel = "S",
            description = "The same seed gives the same text. Default: a new one each time, told at the end.")
    Optional<Long> seed = Optional.empty();

    @Option(names = "--stop", paramLabel = "TEXT", description = "End at this text. May be given several times.")
    List<String> stop = List.of();

    @Option(names = "--ignore-eos", description = "Go on past the model's end of text.")
    boolean ignoreEnd;

    /** What the user gave, over what the model recommends. */
    GenerationOptions over(GenerationOptions defaults) {
        GenerationOptions options = defaults.withStop(stop).withIgnoreEnd(ignoreEnd);
        options = with(options, maxTokens.or(() -> Optional.of(256)), GenerationOptions::withMaxTokens);
        options = with(options, temperature, GenerationOptions::withTemperature);
        options = with(options, topK, GenerationOptions::withTopK);
        options = with(options, topP, GenerationOptions::withTopP);
        options = with(options, minP, GenerationOptions::withMinP);
        options = with(options, repetitionPenalty, GenerationOptions::withRepetitionPenalty);
        options = with(options, repetitionWindow, GenerationOptions::withRepetitionWindow);
        return with(options, seed, GenerationOptions::withSeed);
    }

    private static <T> GenerationOptions with(
            GenerationOptions options, Optional<T> value, BiFunction<GenerationOptions, T, GenerationOptions> setter) {
        return value.map(given -> setter.apply(options, given)).orElse(options);
    }
}
