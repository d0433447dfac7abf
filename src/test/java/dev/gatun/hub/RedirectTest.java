package dev.gatun.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.net.http.HttpHeaders;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RedirectTest {
    private static final URI HUB = URI.create("https://hub.example/a/b");

    private static URI target(String location) {
        return Redirect.target(HUB, HttpHeaders.of(Map.of("location", List.of(location)), (name, value) -> true));
    }

    @ParameterizedTest
    @CsvSource({
        "/api/x,https://hub.example/api/x",
        "c?d=e,https://hub.example/a/c?d=e",
        "//cdn.example/x,https://cdn.example/x",
        "https://cdn.example:8443/x,https://cdn.example:8443/x"
    })
    void itIsResolvedAgainstWhatWasAsked(String location, String target) {
        assertThat(target(location)).hasToString(target);
    }

    @Test
    void encryptionIsNotGivenUp() {
        assertThatThrownBy(() -> target("http://hub.example/a/b"))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("https to http");
    }

    @ParameterizedTest
    @CsvSource({
        "https://HUB.example:443/x,true",
        "https://hub.example/x,true",
        "https://hub.example:444/x,false",
        "http://hub.example/x,false",
        "https://hub.example.evil/x,false",
        "https://hub.example@evil/x,false"
    })
    void theSameHubHasTheSameSchemeHostAndPort(String address, boolean same) {
        assertThat(Origin.of(URI.create(address)).equals(Origin.of(HUB))).isEqualTo(same);
    }
}
