package dev.gatun.hub;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A server that behaves like a hub with one model: its API and small files at {@code 127.0.0.1}, large files, to which it
 * redirects, at {@code localhost}, which to a client is another host. A test puts its own answers before the usual ones.
 */
public final class FakeHub implements AutoCloseable {
    private static final Pattern RANGE = Pattern.compile("bytes=(\\d+)-(\\d+)");
    private static final String HERE = "127.0.0.1";

    private final FakeModel model;
    private final ServerSocket server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<Request> requests = new CopyOnWriteArrayList<>();
    private final List<Function<Request, Optional<Reply>>> faults = new CopyOnWriteArrayList<>();

    /** What was asked, with header names in lower case. */
    public record Request(String target, Map<String, String> headers) {
        public boolean isElsewhere() {
            return headers.get("host").startsWith("localhost");
        }

        public boolean isListing() {
            return target.startsWith("/api/");
        }
    }

    /** An answer, of which only so much is sent before the connection is closed, or stays silent. */
    public static final class Reply {
        private final int status;
        private final Map<String, String> headers;
        private final byte[] body;
        private final int sent;
        private final long silenceMillis;

        private Reply(int status, Map<String, String> headers, byte[] body, int sent, long silenceMillis) {
            this.status = status;
            this.headers = headers;
            this.body = body;
            this.sent = sent;
            this.silenceMillis = silenceMillis;
        }

        int status() {
            return status;
        }

        Map<String, String> headers() {
            return headers;
        }

        byte[] body() {
            return body;
        }

        public static Reply of(int status, Map<String, String> headers, byte[] body) {
            return new Reply(status, headers, body, body.length, 0);
        }

        public static Reply status(int status) {
            return of(status, Map.of(), new byte[0]);
        }

        public Reply with(String header, String value) {
            Map<String, String> more = new LinkedHashMap<>(headers);
            more.put(header, value);
            return new Reply(status, more, body, sent, silenceMillis);
        }

        public Reply cutAfter(int bytes) {
            return new Reply(status, headers, body, Math.min(bytes, body.length), silenceMillis);
        }

        public Reply silentFor(long millis) {
            return new Reply(status, headers, body, sent, millis);
        }
    }

    public FakeHub(FakeModel model) throws IOException {
        this.model = model;
        this.server = new ServerSocket(0);
        threads.execute(this::accept);
    }

    public String endpoint() {
        return "http://" + HERE + ":" + server.getLocalPort();
    }

    private String elsewhere() {
        return "http://localhost:" + server.getLocalPort();
    }

    public List<Request> requests() {
        return List.copyOf(requests);
    }

    public void forgetRequests() {
        requests.clear();
    }

    /** Answers that come before the usual ones; the first that is not empty counts. */
    public void answer(Function<Request, Optional<Reply>> fault) {
        faults.add(fault);
    }

    public void answerAsUsual() {
        faults.clear();
    }

    /** What the address of a large file elsewhere has in it. */
    public String hashOf(String path) {
        return model.largeHash(path).orElseThrow();
    }

    /** What it would answer by itself. */
    public Reply usual(Request request) {
        String target = request.target();
        if (request.isElsewhere()) {
            return content(
                    request, model.large(target.replaceFirst("^/cdn/", "").replaceFirst("\\?.*", "")));
        }
        if (target.equals("/api/models/" + FakeModel.ID + "/revision/main?blobs=true")
                || target.equals("/api/models/" + FakeModel.ID + "/revision/" + FakeModel.COMMIT + "?blobs=true")) {
            return Reply.of(200, Map.of("Content-Type", "application/json"), model.listing());
        }
        String files = "/" + FakeModel.ID + "/resolve/" + FakeModel.COMMIT + "/";
        if (!target.startsWith(files)) {
            return Reply.status(404).with("X-Error-Code", "RepoNotFound");
        }
        String path = target.substring(files.length()).replace("%20", " ");
        Optional<String> hash = model.largeHash(path);
        return hash.isPresent()
                ? Reply.status(302).with("Location", elsewhere() + "/cdn/" + hash.get() + "?Signature=secret-signature")
                : content(request, model.small(path));
    }

    private static Reply content(Request request, Optional<byte[]> content) {
        if (content.isEmpty()) {
            return Reply.status(404).with("X-Error-Code", "EntryNotFound");
        }
        byte[] all = content.get();
        Matcher range = RANGE.matcher(request.headers().getOrDefault("range", ""));
        if (!range.matches()) {
            return Reply.of(200, Map.of(), all);
        }
        int from = Integer.parseInt(range.group(1));
        int to = Math.min(all.length, Integer.parseInt(range.group(2)) + 1);
        return Reply.of(206, Map.of(), java.util.Arrays.copyOfRange(all, from, to))
                .with("Content-Range", "bytes " + from + "-" + (to - 1) + "/" + all.length);
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                threads.execute(() -> serve(socket));
            } catch (IOException closed) {
                return;
            }
        }
    }

    private void serve(Socket socket) {
        try (socket;
                InputStream in = new BufferedInputStream(socket.getInputStream());
                OutputStream out = socket.getOutputStream()) {
            String first = line(in);
            if (first.isEmpty()) {
                return;
            }
            Request request = new Request(first.split(" ", 3)[1], headers(in));
            requests.add(request);
            send(
                    out,
                    faults.stream()
                            .flatMap(fault -> fault.apply(request).stream())
                            .findFirst()
                            .orElseGet(() -> usual(request)));
        } catch (IOException gone) {
            // The client may leave whenever it likes.
            return;
        }
    }

    private static void send(OutputStream out, Reply reply) throws IOException {
        StringBuilder head = new StringBuilder("HTTP/1.1 " + reply.status() + " x\r\nConnection: close\r\n");
        head.append("Content-Length: ").append(reply.body().length).append("\r\n");
        reply.headers().forEach((name, value) -> head.append(name + ": " + value + "\r\n"));
        out.write(head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
        out.write(reply.body(), 0, reply.sent);
        out.flush();
        pause(reply.silenceMillis);
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException closing) {
            Thread.currentThread().interrupt();
        }
    }

    private static Map<String, String> headers(InputStream in) throws IOException {
        Map<String, String> headers = new LinkedHashMap<>();
        for (String line = line(in); !line.isEmpty(); line = line(in)) {
            String[] parts = line.split(":", 2);
            headers.put(parts[0].toLowerCase(Locale.ROOT), parts[1].strip());
        }
        return headers;
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int letter = in.read(); letter >= 0 && letter != '\n'; letter = in.read()) {
            line.append((char) letter);
        }
        return line.toString().strip();
    }

    @Override
    public void close() {
        try {
            server.close();
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
        threads.shutdownNow();
    }
}
