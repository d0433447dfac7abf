package dev.gatun;

import dev.gatun.engine.KvCache;
import dev.gatun.text.Detokenizer;
import dev.gatun.text.Sampler;
import dev.gatun.text.StopStrings;
import dev.gatun.text.TokenWindow;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * One generation as a sequence of steps; a step processes one chunk of the prompt or chooses one token. Between steps
 * nothing is in work, so a session may be closed there. Confined to one thread at a time by its session.
 */
final class TokenLoop {
    private final Model model;
    private final KvCache cache;
    private final TokenHistory history;
    private final GenerationOptions options;
    private final int contextLength;
    private final TokenChooser chooser;
    private final TokenWindow recent;
    private final Detokenizer detokenizer;
    private final StopStrings stops;
    private final StringBuilder text = new StringBuilder();
    private final long seed;
    private final long start;
    private final int promptTokens;
    private final Optional<RoutingListener> routingListener;
    private final Optional<Consumer<RoutedTokens>> routing;
    private Optional<RoutedTokens> routed = Optional.empty();
    private Optional<OffloadStatistics> promptOffload = Optional.empty();
    private Optional<OffloadStatistics> decodeOffload = Optional.empty();
    private volatile boolean cancelled;
    private StopReason stopReason;
    private long firstToken;
    private long lastToken;
    private int generated;

    TokenLoop(
            Model model,
            KvCache cache,
            TokenHistory history,
            GenerationOptions options,
            int contextLength,
            Optional<RoutingListener> routingListener,
            Detokenizer detokenizer,
            long seed,
            long start) {
        this.model = model;
        this.cache = cache;
        this.history = history;
        this.options = options;
        this.contextLength = contextLength;
        Sampler sampler = new Sampler(Sampling.settings(options, contextLength, seed));
        int window = sampler.settings().repetitionWindow();
        this.recent = new TokenWindow(window);
        this.recent.addAll(history.last(window));
        this.chooser = new TokenChooser(model.runningBackend(), sampler, model.vocabularySize());
        this.routingListener = routingListener;
        this.routing = routingListener.map(listener -> tokens -> routed = Optional.of(tokens));
        this.detokenizer = detokenizer;
        this.stops = new StopStrings(options.stop());
        this.seed = seed;
        this.start = start;
        this.promptTokens = history.size() - cache.length();
    }

    void cancel() {
        cancelled = true;
    }

    boolean ended() {
        return stopReason != null;
    }

    int promptTokens() {
        return promptTokens;
    }

    /** Tokens of the prompt that wait to be processed. */
    int promptTokensLeft() {
        return generated > 0 ? 0 : history.size() - cache.length();
    }

    /** Does one step; returns what the listener should hear, if anything. */
    Optional<Token> step() {
        if (cancelled || Thread.currentThread().isInterrupted()) {
            return end(StopReason.CANCELLED);
        }
        int waiting = history.size() - cache.length();
        int chunk = Math.min(waiting, model.pass().nextChunk(cache));
        boolean isLast = chunk == waiting;
        int id = model.forward(
                history.range(cache.length(), cache.length() + chunk),
                cache,
                logits -> isLast ? chooser.choose(logits, recent) : chooser.pass(logits),
                this::count,
                routing);
        return isLast ? take(id) : Optional.empty();
    }

    private void count(OffloadStatistics pass) {
        if (generated == 0) {
            promptOffload = Optional.of(promptOffload.map(sum -> sum.plus(pass)).orElse(pass));
        } else {
            decodeOffload = Optional.of(decodeOffload.map(sum -> sum.plus(pass)).orElse(pass));
        }
    }

    /** Tells the listener, if there is one, what the last step routed; not while the step holds locks. */
    void tellRouting() {
        Optional<RoutedTokens> told = routed;
        routed = Optional.empty();
        told.ifPresent(tokens -> routingListener.orElseThrow().routed(tokens));
    }

    private Optional<Token> take(int id) {
        history.add(id);
        recent.add(id);
        lastToken = System.nanoTime();
        if (generated++ == 0) {
            firstToken = lastToken;
        }
        if (!options.ignoreEnd() && model.endsText(id)) {
            return end(StopReason.END_OF_TEXT);
        }
        StopStrings.Result shown = stops.append(detokenizer.append(id));
        text.append(shown.text());
        if (shown.stopped()) {
            stopReason = StopReason.STOP_TEXT;
        } else if (generated == options.maxTokens()) {
            return end(StopReason.MAX_TOKENS, id, shown.text());
        } else if (history.size() >= contextLength) {
            return end(StopReason.CONTEXT_FULL, id, shown.text());
        }
        return Optional.of(new Token(id, shown.text()));
    }

    private Optional<Token> end(StopReason reason) {
        Token rest = end(reason, Token.NONE, "").orElseThrow();
        return rest.text().isEmpty() ? Optional.empty() : Optional.of(rest);
    }

    /** Ends with what detokenizer and stop texts held back; that may complete a stop text. */
    private Optional<Token> end(StopReason reason, int id, String shown) {
        StopStrings.Result last = stops.append(detokenizer.finish());
        String rest = last.stopped() ? last.text() : last.text() + stops.finish();
        text.append(rest);
        stopReason = last.stopped() ? StopReason.STOP_TEXT : reason;
        return Optional.of(new Token(id, shown + rest));
    }

    Generation result() {
        long promptNanos = (generated > 0 ? firstToken : System.nanoTime()) - start;
        return new Generation(
                text.toString(),
                stopReason,
                seed,
                new GenerationStatistics(
                        promptTokens - promptTokensLeft(),
                        Duration.ofNanos(promptNanos),
                        generated,
                        Duration.ofNanos(generated > 0 ? lastToken - firstToken : 0),
                        Duration.ofNanos(generated > 0 ? promptNanos : 0),
                        promptOffload,
                        decodeOffload));
    }
}
