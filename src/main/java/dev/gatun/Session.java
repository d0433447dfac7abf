package dev.gatun;

import dev.gatun.cpu.CpuException;
import dev.gatun.cuda.CudaException;
import dev.gatun.engine.BackendFailureException;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.RouterFailureException;
import dev.gatun.engine.TextWindow;
import dev.gatun.engine.WindowScorer;
import dev.gatun.offload.CopyFailedException;
import dev.gatun.text.ChatMessage;
import dev.gatun.text.Detokenizer;
import dev.gatun.text.NonFiniteLogitsException;
import dev.gatun.text.TextException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * One conversation or text with a {@link Model}: its tokens, and their keys and values, kept from call to call.
 *
 * <ul>
 *   <li><b>Memory</b>: {@link #keyValueBytes()}, taken when the session opens and freed by {@link #close}.
 *   <li><b>Threads</b>: a session runs one generation at a time and may move between threads; starting a second one while
 *       one runs throws {@link IllegalStateException}. Sessions of one model may generate at the same time: their forward
 *       passes take turns, a token (or a chunk of a prompt) each.
 *   <li><b>Cancelling</b>: {@link #cancel} from any thread, or an interrupt of the generating thread (its flag stays
 *       set), ends a generation after the token or chunk in work with {@link StopReason#CANCELLED}. What was generated
 *       stays in the session.
 *   <li><b>Closing</b> during a generation cancels it, waits for the step in work, of another session too, and frees the
 *       memory.
 * </ul>
 */
public final class Session implements AutoCloseable {
    private final Model model;
    private final KvCache cache;
    private final int contextLength;
    private final long keyValueBytes;
    private final Optional<RoutingListener> routingListener;
    private final TokenHistory history = new TokenHistory();
    private final List<Message> conversation = new ArrayList<>();
    // Held during a step, never while a listener runs: so closing from a listener, or while a stream lies unread,
    // works.
    private final ReentrantLock stepping = new ReentrantLock();
    // Written under the lock; read without it to cancel, since a step may hold the lock for long.
    private volatile TokenLoop active;
    private boolean closed;

    Session(
            Model model,
            KvCache cache,
            int contextLength,
            long keyValueBytes,
            Optional<RoutingListener> routingListener) {
        this.model = model;
        this.cache = cache;
        this.contextLength = contextLength;
        this.keyValueBytes = keyValueBytes;
        this.routingListener = routingListener;
    }

    /** The most tokens this session can hold. */
    public int contextLength() {
        return contextLength;
    }

    /** Tokens it holds: prompts and answers. */
    public int length() {
        stepping.lock();
        try {
            return history.size();
        } finally {
            stepping.unlock();
        }
    }

    /** Bytes of memory that the session's keys and values take. */
    public long keyValueBytes() {
        return keyValueBytes;
    }

    /** The turns of {@link #chat} so far; a copy. */
    public List<Message> conversation() {
        stepping.lock();
        try {
            return List.copyOf(conversation);
        } finally {
            stepping.unlock();
        }
    }

    /**
     * Appends {@code prompt} to what the session holds and generates on. The first prompt gets the model's
     * beginning-of-text token; later ones go on where the text stands.
     *
     * @param prompt plain text; empty to go on with what is there
     * @param listener hears each token, on this thread
     * @throws GatunException if the prompt leaves no room in the context, the session being then as before; or if the
     *     weights turn out to be damaged (their results are not numbers)
     * @throws IllegalStateException if the session is closed or generating
     */
    public Generation generate(String prompt, GenerationOptions options, GenerationListener listener) {
        return run(begin(prompt, options), listener);
    }

    /** Like {@link #generate(String, GenerationOptions, GenerationListener)}, with nobody listening. */
    public Generation generate(String prompt, GenerationOptions options) {
        return generate(prompt, options, token -> {});
    }

    /**
     * Appends tokens to what the session holds and generates on, like
     * {@link #generate(String, GenerationOptions, GenerationListener)}; nothing is put before them.
     *
     * @param tokens ids of the model's vocabulary, at least one unless the session holds some
     * @throws GatunException if one is not of the vocabulary, or they leave no room in the context
     */
    public Generation generate(int[] tokens, GenerationOptions options, GenerationListener listener) {
        for (int token : tokens) {
            if (token < 0 || token >= model.vocabularySize()) {
                throw new GatunException(
                        "prompt: " + token + " is no token of this model, which has " + model.vocabularySize());
            }
        }
        return run(begin(first -> tokens, options), listener);
    }

    /**
     * Like {@link #generate(String, GenerationOptions, GenerationListener)}, as a stream that generates a token each time
     * it is asked for one. The session counts as generating until the stream has ended or is closed: use
     * try-with-resources.
     */
    public Stream<Token> stream(String prompt, GenerationOptions options) {
        TokenLoop loop = begin(prompt, options);
        return Stream.generate(() -> nextToken(loop))
                .takeWhile(Optional::isPresent)
                .map(Optional::orElseThrow)
                .onClose(() -> finish(loop));
    }

    /**
     * Says {@code message} as the user and generates the assistant's answer, in the model's own chat format. The
     * conversation so far is kept, and only what is new of it is processed.
     *
     * @throws GatunException if the model has no chat template, it refuses the conversation, or the context is too short;
     *     the conversation is then as before
     * @throws IllegalStateException if the session is closed or generating
     */
    public Generation chat(String message, GenerationOptions options, GenerationListener listener) {
        TokenLoop loop = beginChat(message, options);
        Generation answer = run(loop, listener);
        stepping.lock();
        try {
            conversation.add(Message.user(message));
            conversation.add(Message.assistant(answer.text()));
        } finally {
            stepping.unlock();
        }
        return answer;
    }

    /**
     * Forgets the last {@code tokens} tokens. The turns of {@link #chat} are not affected: the next turn processes again
     * what is missing.
     *
     * @throws IllegalArgumentException if the session holds fewer
     * @throws IllegalStateException if the session is closed or generating
     */
    public void rewind(int tokens) {
        stepping.lock();
        try {
            requireIdle();
            if (tokens < 0 || tokens > history.size()) {
                throw new IllegalArgumentException(
                        "cannot rewind by " + tokens + " tokens: the session holds " + history.size());
            }
            keep(history.size() - tokens);
        } finally {
            stepping.unlock();
        }
    }

    /** Ends the generation that is running, if one is; returns at once. */
    public void cancel() {
        TokenLoop running = active;
        if (running != null) {
            running.cancel();
        }
    }

    /** Cancels the generation that is running, waits for its step in work, and frees the memory. Idempotent. */
    @Override
    public void close() {
        cancel();
        stepping.lock();
        try {
            if (!closed) {
                closed = true;
                model.forget(this, cache);
            }
        } finally {
            stepping.unlock();
        }
    }

    private TokenLoop begin(String prompt, GenerationOptions options) {
        return begin(first -> first ? model.encodeBeginning(prompt) : model.encode(prompt), options);
    }

    /** @param prompt makes the new tokens, told whether they are the first */
    private TokenLoop begin(Function<Boolean, int[]> prompt, GenerationOptions options) {
        Objects.requireNonNull(options, "options");
        long start = System.nanoTime();
        stepping.lock();
        try {
            requireIdle();
            int[] tokens = prompt.apply(history.size() == 0);
            if (history.size() + tokens.length == 0) {
                throw new GatunException("prompt: it is empty, and there is no text to go on with");
            }
            requireRoom(history.size() + tokens.length);
            return activate(tokens, options, Detokenizer.continuing(model.tokenizer(), true), start);
        } finally {
            stepping.unlock();
        }
    }

    private TokenLoop beginChat(String message, GenerationOptions options) {
        Objects.requireNonNull(options, "options");
        long start = System.nanoTime();
        stepping.lock();
        try {
            requireIdle();
            List<ChatMessage> turns = new ArrayList<>();
            conversation.forEach(turn -> turns.add(new ChatMessage(turn.role(), turn.content())));
            turns.add(new ChatMessage("user", message));
            int[] tokens = model.encode(model.chatFormat().render(turns));
            if (tokens.length == 0) {
                throw new GatunException("chat: the model's template made no text of the conversation");
            }
            requireRoom(tokens.length);
            int kept = history.commonPrefix(tokens);
            keep(kept);
            int[] added = Arrays.copyOfRange(tokens, kept, tokens.length);
            return activate(added, options, Detokenizer.atStart(model.tokenizer(), true), start);
        } catch (TextException refused) {
            throw new GatunException(refused.getMessage(), refused);
        } finally {
            stepping.unlock();
        }
    }

    /** Takes the tokens in and begins; if that fails, the tokens are forgotten again. */
    private TokenLoop activate(int[] tokens, GenerationOptions options, Detokenizer detokenizer, long start) {
        int before = history.size();
        history.addAll(tokens);
        try {
            return activate(options, detokenizer, start);
        } catch (RuntimeException | Error failure) {
            keep(before);
            throw failure;
        }
    }

    private TokenLoop activate(GenerationOptions options, Detokenizer detokenizer, long start) {
        if (cache.length() == history.size()) {
            // Everything is processed, but the last token's logits are gone: process that one again.
            cache.truncate(history.size() - 1);
        }
        long seed = options.seed().orElseGet(() -> ThreadLocalRandom.current().nextLong(1L << 53));
        TokenLoop loop =
                new TokenLoop(model, cache, history, options, contextLength, routingListener, detokenizer, seed, start);
        active = loop;
        return loop;
    }

    private Generation run(TokenLoop loop, GenerationListener listener) {
        try {
            while (!loop.ended()) {
                int left = loop.promptTokensLeft();
                Optional<Token> token = step(loop);
                if (left > 0) {
                    listener.prompt(loop.promptTokens() - loop.promptTokensLeft(), loop.promptTokens());
                }
                token.ifPresent(listener::token);
            }
            return loop.result();
        } finally {
            finish(loop);
        }
    }

    private Optional<Token> nextToken(TokenLoop loop) {
        while (!loop.ended()) {
            Optional<Token> token = step(loop);
            if (token.isPresent()) {
                return token;
            }
        }
        finish(loop);
        return Optional.empty();
    }

    private Optional<Token> step(TokenLoop loop) {
        Optional<Token> token = lockedStep(loop);
        loop.tellRouting();
        return token;
    }

    private Optional<Token> lockedStep(TokenLoop loop) {
        stepping.lock();
        try {
            if (closed || active != loop) {
                loop.cancel();
            }
            return named(loop::step);
        } finally {
            stepping.unlock();
        }
    }

    /**
     * &minus;ln p of each scored token of a window, which stands alone: the session holds nothing, neither before nor after.
     *
     * @param window no longer than the context
     * @throws GatunException if the weights turn out to be damaged
     * @throws IllegalStateException if the session is closed, or holds something
     */
    double[] score(TextWindow window) {
        stepping.lock();
        try {
            requireIdle();
            if (history.size() > 0) {
                throw new IllegalStateException("the session holds " + history.size() + " tokens");
            }
            cache.truncate(0);
            WindowScorer.Pass pass = (chunk, rows) -> model.logits(chunk, cache, rows);
            return named(() -> new WindowScorer(pass, model.vocabularySize()).score(window));
        } finally {
            stepping.unlock();
        }
    }

    /** What fails in {@code work} is told with the model's name. */
    private <T> T named(Supplier<T> work) {
        try {
            return work.get();
        } catch (NonFiniteLogitsException
                | RouterFailureException
                | BackendFailureException
                | CopyFailedException
                | CpuException
                | CudaException broken) {
            throw new GatunException("model `" + model.name() + "`: " + broken.getMessage(), broken);
        }
    }

    private void finish(TokenLoop loop) {
        stepping.lock();
        try {
            if (active == loop) {
                active = null;
            }
        } finally {
            stepping.unlock();
        }
    }

    private void keep(int tokens) {
        history.truncate(tokens);
        cache.truncate(Math.min(cache.length(), tokens));
    }

    private void requireRoom(int tokens) {
        if (tokens >= contextLength) {
            throw new GatunException(
                    "context: " + tokens + " tokens of text leave no room for an answer in a context of "
                            + contextLength + "; shorten the prompt or choose a longer context");
        }
    }

    private void requireIdle() {
        if (closed) {
            throw new IllegalStateException("the session is closed");
        }
        if (active != null) {
            throw new IllegalStateException("the session is generating; cancel that, or wait for its end");
        }
    }
}
