package dev.gatun.bench;

import dev.gatun.GatunException;
import dev.gatun.offload.CacheShape;
import dev.gatun.offload.PolicyKind;
import dev.gatun.offload.RoutingTrace;
import dev.gatun.offload.TraceReplay;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * How made-up routing behaves. An expert of the token before is chosen again with a probability; the others are drawn with
 * weights that fall as those of Zipf's law, in an order of each layer's own.
 *
 * @param skew the exponent: the expert of rank r has the weight 1 / r^skew; 0 for equal weights
 * @param repetition from 0 to 1
 */
public record RoutingScript(double skew, double repetition) {
    /** All experts alike, whatever came before. */
    public static final RoutingScript UNIFORM = new RoutingScript(0, 0);

    /** An LRU cache of 4 of 8 experts hits 0.6 of the time, as is published for Mixtral 8x7B on real text. */
    public static final RoutingScript REAL_TEXT = new RoutingScript(0.3, 0.203);

    private static final int REPLAYED_TOKENS = 4000;
    private static final long REPLAYED_SEED = 1;
    private static final int BISECTIONS = 12;

    /** Refuses what is no exponent or no probability. */
    public RoutingScript {
        if (!(skew >= 0 && skew < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("skew must be a number from 0 on, but is " + skew);
        }
        if (!(repetition >= 0 && repetition <= 1)) {
            throw new IllegalArgumentException("repetition must be from 0 to 1, but is " + repetition);
        }
    }

    /**
     * The script with equal weights whose repetition gives an LRU cache a hit ratio, to about 0.005.
     *
     * @param expertsPerToken experts chosen by a layer for a token
     * @throws GatunException if the cache hits more often than that with uniform routing, or it is no ratio
     */
    public static RoutingScript forHitRatio(double ratio, CacheShape cache, int expertsPerToken) {
        double least = UNIFORM.hitRatio(cache, expertsPerToken);
        if (!(ratio >= least && ratio <= 1)) {
            throw new GatunException(String.format(
                    Locale.ROOT,
                    "hit ratio: must be from %.2f to 1 for %d slots of %d experts, but is %s",
                    least,
                    cache.slots(),
                    cache.allExperts(),
                    ratio));
        }
        double low = 0;
        double high = 1;
        for (int i = 0; i < BISECTIONS; i++) {
            double middle = (low + high) / 2;
            if (new RoutingScript(0, middle).hitRatio(cache, expertsPerToken) < ratio) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return new RoutingScript(0, high);
    }

    /** How often an LRU cache hits, after it has warmed up. */
    public double hitRatio(CacheShape cache, int expertsPerToken) {
        RoutingTrace trace = trace(cache.layers(), cache.experts(), expertsPerToken, REPLAYED_TOKENS, REPLAYED_SEED);
        return new TraceReplay(trace).counts(PolicyKind.LRU, cache).hitRatio();
    }

    /**
     * Choices for so many tokens; the same seed gives the same, and fewer tokens the beginning of more.
     *
     * @param expertsPerToken experts chosen by a layer for a token; all different
     */
    public RoutingTrace trace(int layers, int experts, int expertsPerToken, int tokens, long seed) {
        SplittableRandom seeds = new SplittableRandom(seed);
        List<LayerRouter> routers = IntStream.range(0, layers)
                .mapToObj(layer -> new LayerRouter(this, experts, seeds.split()))
                .toList();
        int[] chosen = new int[Math.multiplyExact(tokens, Math.multiplyExact(layers, expertsPerToken))];
        for (int token = 0; token < tokens; token++) {
            for (int layer = 0; layer < layers; layer++) {
                int[] next = routers.get(layer).next(expertsPerToken);
                System.arraycopy(next, 0, chosen, (token * layers + layer) * expertsPerToken, expertsPerToken);
            }
        }
        return new RoutingTrace("synthetic", layers, experts, expertsPerToken, chosen);
    }
}
