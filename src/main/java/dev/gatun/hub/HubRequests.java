package dev.gatun.hub;

import dev.gatun.input.Quoted;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;

/**
 * Asks the hub. Redirects are followed here and not by the HTTP client, so that the token goes to the hub's own address and to
 * no other. May be used by several threads at once.
 */
final class HubRequests implements AutoCloseable {
    private static final int MOST_REDIRECTS = 8;
    private static final Duration CONNECTING = Duration.ofSeconds(20);

    private final HubSettings settings;
    private final Answers answers;
    private final Pace pace;
    private final LivelyStreams streams;
    /** HTTP/1.1: the second version would put all parts of a file on one connection. */
    private final HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(CONNECTING)
            .build();

    HubRequests(HubSettings settings, ModelReference model, Pace pace) {
        this.settings = settings;
        this.answers = new Answers(settings, model);
        this.pace = pace;
        this.streams = new LivelyStreams(pace.silence());
    }

    /**
     * Gets an address of the hub, or a piece of what lies there. The caller closes the answer.
     *
     * @throws TransientException if asking again may help
     * @throws HubException if it will not
     */
    HubResponse get(URI address, Optional<ByteRange> range) throws TransientException, InterruptedException {
        URI asked = address;
        for (int redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
            HttpResponse<InputStream> response = send(asked, range);
            HubResponse answer =
                    new HubResponse(response.statusCode(), response.headers(), streams.watched(response.body()));
            if (Redirect.STATUSES.contains(answer.status())) {
                answer.close();
                asked = Redirect.target(asked, answer.headers());
            } else {
                return required(asked, answer);
            }
        }
        throw new HubException("the hub redirects in a circle; check HF_ENDPOINT");
    }

    private HubResponse required(URI asked, HubResponse answer) throws TransientException {
        try {
            answers.require(asked, answer.status(), answer.headers());
            return answer;
        } catch (TransientException | HubException refused) {
            answer.close();
            throw refused;
        }
    }

    private HttpResponse<InputStream> send(URI address, Optional<ByteRange> range)
            throws TransientException, InterruptedException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(address).timeout(pace.silence()).header("User-Agent", "gatun");
        range.ifPresent(piece -> request.header("Range", piece.header()));
        if (Origin.of(address).equals(settings.origin())) {
            settings.token().ifPresent(token -> request.header("Authorization", token.header()));
        }
        try {
            return client.send(request.build(), BodyHandlers.ofInputStream());
        } catch (IOException failure) {
            throw new TransientException(Quoted.of(address.getHost()) + ": " + reason(failure), failure);
        }
    }

    private static String reason(IOException failure) {
        return switch (failure) {
            case HttpConnectTimeoutException silent -> "no connection in time";
            case HttpTimeoutException silent -> "no answer in time";
            case ConnectException refused -> isUnknownHost(refused) ? "no such host" : "no connection";
            case SSLException untrusted ->
                "no trusted connection (" + Quoted.oneLine(String.valueOf(untrusted.getMessage())) + ")";
            default -> "the connection was cut";
        };
    }

    private static boolean isUnknownHost(ConnectException refused) {
        return Stream.iterate((Throwable) refused, Objects::nonNull, Throwable::getCause)
                .anyMatch(UnresolvedAddressException.class::isInstance);
    }

    /** Ends what still runs. */
    @Override
    public void close() {
        streams.close();
        client.shutdownNow();
    }
}
