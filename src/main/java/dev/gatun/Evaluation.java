package dev.gatun;

import dev.gatun.engine.TextWindow;
import java.util.List;
import java.util.OptionalInt;

/** The perplexity of one text, window by window, in a session of its own. */
final class Evaluation {
    private final Model model;
    private final PerplexityOptions options;
    private final int length;
    // Welford's sums: a variance of thousands of numbers in one pass.
    private double mean;
    private double squares;
    private long tokens;

    /** @throws GatunException if the model's context is shorter than the window */
    Evaluation(Model model, PerplexityOptions options) {
        this.model = model;
        this.options = options;
        this.length = options.window() > 0
                ? options.window()
                : Math.min(PerplexityOptions.DEFAULT_WINDOW, model.maxContextLength());
        if (length > model.maxContextLength()) {
            throw new GatunException(
                    "window: " + length + " tokens are more than this model's " + model.maxContextLength());
        }
    }

    /** @throws GatunException if fewer than two tokens can be predicted, or the weights are damaged */
    Perplexity run(String text, PerplexityListener listener) {
        List<TextWindow> windows = windows(text);
        Perplexity soFar = new Perplexity(Double.NaN, Double.NaN, 0, 0);
        SessionOptions sessionOptions =
                SessionOptions.defaults().withContextLength(length).withKeyValueBits(options.keyValueBits());
        try (Session session = model.newSession(sessionOptions)) {
            for (TextWindow window : windows) {
                add(session.score(window));
                soFar = new Perplexity(Math.exp(mean), standardError(), tokens, soFar.windows() + 1);
                listener.evaluated(soFar, windows.size());
            }
        }
        return soFar;
    }

    private List<TextWindow> windows(String text) {
        List<TextWindow> all = options.beginEach() ? beginningEach(text) : beginningOnce(text);
        List<TextWindow> windows =
                all.subList(0, Math.min(all.size(), options.mostWindows().orElse(all.size())));
        if (windows.stream().mapToLong(TextWindow::scored).sum() < 2) {
            throw new GatunException("text: it is too short; a perplexity needs two tokens that can be predicted");
        }
        return windows;
    }

    private List<TextWindow> beginningEach(String text) {
        int[] begin = model.encodeBeginning("");
        if (begin.length != 1) {
            throw new GatunException("window: this model has no beginning-of-text token to begin each with (--plain)");
        }
        return cut(model.encode(text), OptionalInt.of(begin[0]));
    }

    private List<TextWindow> beginningOnce(String text) {
        return cut(model.encodeBeginning(text), OptionalInt.empty());
    }

    private List<TextWindow> cut(int[] tokens, OptionalInt begin) {
        int most = length - (begin.isPresent() ? 1 : 0);
        int stride = options.stride().orElse(most);
        if (stride > most) {
            throw new GatunException("stride: " + stride + " is more than the " + most + " tokens of text in a window");
        }
        return TextWindow.of(tokens, begin, length, stride);
    }

    private void add(double[] scores) {
        for (double score : scores) {
            if (!Double.isFinite(score)) {
                throw new GatunException("model `" + model.name() + "`: its logits are not numbers; the weights must be"
                        + " damaged: download them again");
            }
            tokens++;
            double before = score - mean;
            mean += before / tokens;
            squares += before * (score - mean);
        }
    }

    /** That of the mean, carried through the exponential. */
    private double standardError() {
        return tokens < 2 ? Double.NaN : Math.exp(mean) * Math.sqrt(squares / (tokens - 1) / tokens);
    }
}
