package dev.gatun;

import dev.gatun.checkpoint.GenerationDefaults;
import dev.gatun.text.SamplerSettings;

/** Between what users say, what a model's authors recommend, and what the sampler takes. */
final class Sampling {
    private Sampling() {}

    static SamplerSettings settings(GenerationOptions options, int contextLength, long seed) {
        return new SamplerSettings(
                options.temperature(),
                options.topK(),
                options.topP(),
                options.minP(),
                options.repetitionPenalty(),
                Math.min(options.repetitionWindow(), contextLength),
                seed);
    }

    /** The built-in options, overridden by what the model's {@code generation_config.json} says. */
    static GenerationOptions defaults(GenerationDefaults model) {
        GenerationOptions options = GenerationOptions.builtIn();
        boolean sampling = model.sample().orElse(true);
        options = options.withTemperature(sampling ? model.temperature().orElse(options.temperature()) : 0);
        options = options.withTopK(model.topK().orElse(options.topK()));
        options = options.withTopP(model.topP().orElse(options.topP()));
        options = options.withMinP(model.minP().orElse(options.minP()));
        return options.withRepetitionPenalty(model.repetitionPenalty().orElse(options.repetitionPenalty()));
    }
}
