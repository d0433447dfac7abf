package dev.gatun.bench;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.engine.ForcedRouting;
import dev.gatun.offload.RoutingTrace;

/** Plays a script to a model, over and over again. */
final class ScriptedRouting implements ForcedRouting {
    private static final int TOKENS = 4096;
    private static final long SEED = 3;

    private final RoutingTrace trace;
    private final int[] choice;
    private int next;

    ScriptedRouting(RoutingScript script, MixtralConfig config) {
        this.trace = script.trace(config.layers(), config.experts(), config.expertsPerToken(), TOKENS, SEED);
        this.choice = new int[config.expertsPerToken()];
    }

    @Override
    public void choose(int tokens, int[] ids) {
        for (int token = 0; token < tokens; token++) {
            for (int layer = 0; layer < trace.layers(); layer++) {
                trace.copyChoice(next, layer, choice);
                System.arraycopy(choice, 0, ids, (layer * tokens + token) * choice.length, choice.length);
            }
            next = (next + 1) % trace.tokens();
        }
    }
}
