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
    private final SamplerSettings settings;
    private final SplitMix64 random;
    private final Ranking ranking = new Ranking();
    private float[] penalized = {};

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
        return settings.isGreedy() ? likeliest(scores) : draw(scores);
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

    private int draw(float[] scores) {
        ranking.reset(scores);
        float best = scores[ranking.id(0)];
        int candidates = settings.topK() > 0 ? Math.min(settings.topK(), ranking.size()) : ranking.size();
        double mass = candidates < ranking.size() ? massOfRanks(candidates, scores, best) : massOfAll(scores, best);
        if (settings.topP() < 1 || settings.minP() > 0) {
            double nucleus = settings.topP() * mass;
            mass = 0;
            int rank = 0;
            do {
                mass += weight(scores[ranking.id(rank++)], best);
            } while (rank < candidates && keeps(rank, mass, nucleus, scores, best));
            candidates = rank;
        }
        return drawFrom(candidates, mass, scores, best);
    }

    /** Whether the token of a rank stays, when those before it weigh so much. */
    private boolean keeps(int rank, double massBefore, double nucleus, float[] scores, float best) {
        boolean insideNucleus = settings.topP() == 1 || massBefore < nucleus;
        return insideNucleus && (settings.minP() == 0 || weight(scores[ranking.id(rank)], best) >= settings.minP());
    }

    private int drawFrom(int candidates, double mass, float[] scores, float best) {
        double target = random.nextDouble() * mass;
        double passed = 0;
        int chosen = ranking.id(0);
        for (int rank = 0; rank < candidates; rank++) {
            double weight = weight(scores[ranking.id(rank)], best);
            if (weight == 0) {
                // Rounding left the target beyond the sum: nothing after this can be drawn.
                break;
            }
            chosen = ranking.id(rank);
            passed += weight;
            if (passed > target) {
                break;
            }
        }
        return chosen;
    }

    private double massOfRanks(int ranks, float[] scores, float best) {
        double mass = 0;
        for (int rank = 0; rank < ranks; rank++) {
            mass += weight(scores[ranking.id(rank)], best);
        }
        return mass;
    }

    private double massOfAll(float[] scores, float best) {
        double mass = 0;
        for (float score : scores) {
            mass += weight(score, best);
        }
        return mass;
    }

    /** How likely a token is, as a multiple of the likeliest. */
    private double weight(float score, float best) {
        return Math.exp(((double) score - best) / settings.temperature());
    }
}
