package dev.gatun.text;

/**
 * Chooses the next token. The order of the steps is that of Hugging Face: the repetition penalty changes the logits of
 * recent tokens, then the temperature divides all; of the softmax top-k keeps the likeliest, top-p the smallest set of
 * those that holds its share of <em>their</em> probability, min-p those not too far behind the first; one of what is left
 * is drawn. Equal logits are taken in the order of their ids.
 *
 * <p>The draw is inverse-transform sampling over the tokens from the likeliest down, with one number of SplitMix64 a
 * token. Allocates nothing per token. Not thread-safe; one instance a sequence.
 */
public final class Sampler {
    /** What {@link #next(Candidates)} returns if these candidates do not suffice. */
    public static final int UNDECIDED = -1;

    private static final int UNKNOWN = Integer.MAX_VALUE;

    /**
     * Up to so many possible tokens, the most that a GPU finds, are summed by rank: so candidates that are all of them have the
     * same mass as all logits, to the last bit.
     */
    private static final int FEW = 256;

    private final SamplerSettings settings;
    private final SplitMix64 random;
    private final Ranking ranking = new Ranking();
    private float[] penalized = {};
    private double number;
    private boolean numberDrawn;
    /** What the tokens weigh that may be drawn, the best weighing 1: equal bounds if that is known exactly. */
    private double massLow;

    private double massHigh;

    /** Begins a sequence; its random numbers begin at the settings' seed. */
    public Sampler(SamplerSettings settings) {
        this.settings = settings;
        this.random = new SplitMix64(settings.seed());
    }

    /** The settings that it follows. */
    public SamplerSettings settings() {
        return settings;
    }

    /**
     * Chooses a token.
     *
     * @param logits one for each token; stays unchanged. −∞ rules a token out
     * @param recent the tokens so far; the last {@link SamplerSettings#repetitionWindow} of them count
     * @return an index into the logits
     * @throws NonFiniteLogitsException if a logit is NaN or +∞, or all are −∞
     */
    public int next(float[] logits, TokenWindow recent) {
        checkFinite(logits);
        float[] scores = settings.penalizesRepetition() ? penalize(logits, recent) : logits;
        if (settings.isGreedy()) {
            return likeliest(scores);
        }
        ranking.reset(scores);
        int id = draw(ranking);
        numberDrawn = false;
        return id;
    }

    /**
     * Chooses a token without the other logits, if these candidates suffice: the same that {@link #next(float[],
     * TokenWindow)} chooses. They do where nothing is drawn or the top-k are among them, where they are fewer than were
     * asked for (no other token is possible) or the whole vocabulary, up to 256; mostly with top-p or min-p, and often without
     * either.
     *
     * @param candidates found with this sampler's penalty and temperature
     * @return a token, or {@link #UNDECIDED}: all logits are needed; nothing random is used up then
     */
    public int next(Candidates candidates) {
        if (candidates.size() == 0) {
            return UNDECIDED;
        }
        int id = settings.isGreedy() ? candidates.id(0) : draw(candidates);
        numberDrawn &= id == UNDECIDED;
        return id;
    }

    private static void checkFinite(float[] logits) {
        boolean possible = false;
        for (int id = 0; id < logits.length; id++) {
            // False for NaN, too.
            if (!(logits[id] < Float.POSITIVE_INFINITY)) {
                throw new NonFiniteLogitsException(
                        "logit of token %d: %s; the model's numbers overflowed or its weights are damaged"
                                .formatted(id, logits[id]));
            }
            possible |= logits[id] > Float.NEGATIVE_INFINITY;
        }
        if (!possible) {
            throw new NonFiniteLogitsException(
                    "all %d logits are -Infinity: no token is possible".formatted(logits.length));
        }
    }

    /** Reckons from the original logits, so that a token counts once however often it stands in the window. */
    private float[] penalize(float[] logits, TokenWindow recent) {
        if (penalized.length != logits.length) {
            penalized = new float[logits.length];
        }
        System.arraycopy(logits, 0, penalized, 0, logits.length);
        int window = Math.min(settings.repetitionWindow(), recent.size());
        for (int age = 0; age < window; age++) {
            int id = recent.recent(age);
            if (id >= 0 && id < logits.length) {
                penalized[id] = penalize(logits[id]);
            }
        }
        return penalized;
    }

    /** Stays finite for a finite logit: a penalty must not rule out the only tokens left. */
    private float penalize(float logit) {
        double changed = logit > 0 ? logit / settings.repetitionPenalty() : logit * settings.repetitionPenalty();
        return Double.isInfinite(changed) ? logit : (float) Math.clamp(changed, -Float.MAX_VALUE, Float.MAX_VALUE);
    }

    private static int likeliest(float[] scores) {
        int best = 0;
        for (int id = 1; id < scores.length; id++) {
            if (scores[id] > scores[best]) {
                best = id;
            }
        }
        return best;
    }

    /** A token, or {@link #UNDECIDED} where that depends on what is not known: other tokens or the exact mass. */
    private int draw(RankedTokens tokens) {
        int kept = keepTopK(tokens);
        if (settings.topP() < 1 || settings.minP() > 0) {
            kept = cut(tokens, kept);
        }
        return kept == UNDECIDED ? UNDECIDED : drawFrom(tokens, kept);
    }

    /** Bounds the mass of the top-k, or of all; returns how many tokens that are, {@link #UNKNOWN} if unknown ones too. */
    private int keepTopK(RankedTokens tokens) {
        int topK = settings.topK();
        int known = topK > 0 ? Math.min(topK, tokens.size()) : tokens.size();
        if (known == topK || (tokens.complete() && known <= FEW)) {
            massLow = massHigh = massOfRanks(known, tokens);
            return known;
        }
        massLow = massHigh = tokens.mass(settings.temperature());
        if (!tokens.complete() && topK > 0) {
            int last = tokens.size() - 1;
            massLow = massOfRanks(tokens.size(), tokens);
            massHigh = Math.min(massHigh, massLow + (topK - tokens.size()) * weight(last, tokens));
        }
        massLow *= 1 - tokens.massError();
        massHigh *= 1 + tokens.massError();
        return tokens.complete() ? tokens.size() : UNKNOWN;
    }

    /** How many tokens top-p and min-p leave; their mass is then known. */
    private int cut(RankedTokens tokens, int kept) {
        double nucleusLow = settings.topP() * massLow;
        double nucleusHigh = settings.topP() * massHigh;
        double mass = 0;
        int rank = 0;
        boolean keeps = true;
        while (keeps) {
            mass += weight(rank++, tokens);
            boolean pastNucleus = settings.topP() < 1 && mass >= nucleusHigh;
            if (rank == kept || pastNucleus) {
                keeps = false;
            } else if (rank == tokens.size() || (settings.topP() < 1 && mass >= nucleusLow)) {
                return UNDECIDED;
            } else {
                keeps = settings.minP() == 0 || weight(rank, tokens) >= settings.minP();
            }
        }
        massLow = massHigh = mass;
        return rank;
    }

    private int drawFrom(RankedTokens tokens, int kept) {
        double number = number();
        double passed = 0;
        int chosen = UNDECIDED;
        for (int rank = 0; rank < Math.min(kept, tokens.size()); rank++) {
            double weight = weight(rank, tokens);
            if (weight == 0) {
                // Rounding left the target beyond the sum: nothing after this can be drawn.
                return chosen;
            }
            chosen = tokens.id(rank);
            passed += weight;
            if (passed > number * massLow) {
                return passed > number * massHigh ? chosen : UNDECIDED;
            }
        }
        return kept <= tokens.size() ? chosen : UNDECIDED;
    }

    /** The same until a token is chosen. */
    private double number() {
        if (!numberDrawn) {
            number = random.nextDouble();
            numberDrawn = true;
        }
        return number;
    }

    private double massOfRanks(int ranks, RankedTokens tokens) {
        double mass = 0;
        for (int rank = 0; rank < ranks; rank++) {
            mass += weight(rank, tokens);
        }
        return mass;
    }

    private double weight(int rank, RankedTokens tokens) {
        return weight(tokens.score(rank), tokens.score(0), settings.temperature());
    }

    /** How likely a token is, as a multiple of the likeliest. */
    static double weight(float score, float best, double temperature) {
        return Math.exp(((double) score - best) / temperature);
    }
}
