package dev.gatun.offload;

import java.util.Arrays;
import java.util.Optional;

/** Which experts the routers of a model chose, token by token: a recording to replay. Immutable. */
public final class RoutingTrace {
    private final String model;
    private final int layers;
    private final int experts;
    private final int expertsPerToken;
    private final int[] chosen;
    private final Optional<RoutingGuesses> guesses;

    /**
     * Makes a trace without guesses.
     *
     * @param model the name of the model it was recorded from
     * @param layers layers of the model
     * @param experts experts of a layer
     * @param expertsPerToken experts chosen by a layer for a token
     * @param chosen [tokens, layers, expertsPerToken], below {@code experts} and different within a layer and token
     */
    public RoutingTrace(String model, int layers, int experts, int expertsPerToken, int[] chosen) {
        this(model, layers, experts, expertsPerToken, chosen, Optional.empty());
    }

    /** Makes a trace with guesses for the same tokens, layers and experts. */
    public RoutingTrace(
            String model,
            int layers,
            int experts,
            int expertsPerToken,
            int[] chosen,
            Optional<RoutingGuesses> guesses) {
        if (layers <= 0 || expertsPerToken <= 0 || expertsPerToken > experts) {
            throw new IllegalArgumentException(
                    "no model: " + layers + " layers, " + expertsPerToken + " of " + experts + " experts");
        }
        if (chosen.length % ((long) layers * expertsPerToken) != 0) {
            throw new IllegalArgumentException("the last token is incomplete");
        }
        this.model = model;
        this.layers = layers;
        this.experts = experts;
        this.expertsPerToken = expertsPerToken;
        this.chosen = chosen.clone();
        this.guesses = guesses;
        guesses.ifPresent(these -> these.requireFitting(this));
    }

    /** What routers would have chosen layers ahead, if it was recorded. */
    public Optional<RoutingGuesses> guesses() {
        return guesses;
    }

    /** The name of the model it was recorded from. */
    public String model() {
        return model;
    }

    /** Layers of the model. */
    public int layers() {
        return layers;
    }

    /** Experts of a layer. */
    public int experts() {
        return experts;
    }

    /** Experts chosen by a layer for a token. */
    public int expertsPerToken() {
        return expertsPerToken;
    }

    /** Tokens recorded. */
    public int tokens() {
        return chosen.length / (layers * expertsPerToken);
    }

    /** Copies what a layer chose for a token into the first elements of {@code target}. */
    public void copyChoice(int token, int layer, int[] target) {
        System.arraycopy(chosen, (token * layers + layer) * expertsPerToken, target, 0, expertsPerToken);
    }

    /** The first {@code tokens} tokens, without guesses. */
    public RoutingTrace first(int tokens) {
        int[] part = Arrays.copyOf(chosen, tokens * layers * expertsPerToken);
        return new RoutingTrace(model, layers, experts, expertsPerToken, part);
    }

    /** How often each expert was chosen, numbered layer by layer. */
    public long[] uses() {
        long[] uses = new long[layers * experts];
        forEachUse((use, expert) -> uses[expert]++);
        return uses;
    }

    /** Hears of every choice, in the order in which a model makes them. */
    @FunctionalInterface
    interface UseVisitor {
        /** The use number {@code use}, from 0, is of {@code expert}, numbered layer by layer. */
        void use(int use, int expert);
    }

    void forEachUse(UseVisitor visitor) {
        for (int use = 0; use < chosen.length; use++) {
            int layer = use / expertsPerToken % layers;
            visitor.use(use, layer * experts + chosen[use]);
        }
    }
}
