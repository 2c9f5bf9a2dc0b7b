import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** Java's own HTTP client with its defaults: it offers h2c on every plain-http POST. */
class Exchange {
    public static void main(String[] arguments) throws Exception {
        String url = arguments[0];
        String basic = Base64.getEncoder()
                .encodeToString((arguments[1] + ":" + arguments[2]).getBytes(StandardCharsets.UTF_8));
        HttpClient client = HttpClient.newHttpClient();
        for (int turn = 0; turn < 3; turn++) {
            String form = "grant_type=client_credentials&audience="
                    + URLEncoder.encode("https://travel.example", StandardCharsets.UTF_8);
            HttpRequest request = HttpRequest.newBuilder(URI.create(url + "/oauth/token"))
                    .header("Authorization", "Basic " + basic)
                    .header("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")
                    .POST(HttpRequest.BodyPublishers.ofString(form))
                    .build();
            HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
            System.out.println(answer.statusCode() + " " + answer.body().contains("access_token"));
        }
    }
}
