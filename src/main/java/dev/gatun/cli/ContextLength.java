package dev.gatun.cli;

import dev.gatun.GatunException;
import dev.gatun.SessionOptions;
import dev.gatun.checkpoint.MixtralConfig;

/** How many tokens memory is planned for. */
final class ContextLength {
    private ContextLength() {}

    /**
     * What {@code --context} asks for; where that is 0, the model's limit, at most {@link SessionOptions#DEFAULT_CONTEXT}.
     *
     * @throws GatunException if the model cannot hold so many
     */
    static int of(int asked, MixtralConfig config) {
        if (asked < 0 || asked > config.maxPositions()) {
            throw new GatunException(
                    "context length: " + asked + " is not between 0 and this model's " + config.maxPositions());
        }
        return asked > 0 ? asked : Math.min(config.maxPositions(), SessionOptions.DEFAULT_CONTEXT);
    }
}
