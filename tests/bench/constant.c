/*
 * What CivetWeb itself can: the service's CivetWeb, with the service's
 * settings, answering every request with one text and doing nothing else.
 *
 *     constant PORT < TEXT
 */
#include <civetweb.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TEXT_MAX = 16 * 1024 };

static char text[TEXT_MAX];
static size_t text_len;

static int on_request(struct mg_connection *conn)
{
	char answer[TEXT_MAX + 256];
	int len = snprintf(answer, sizeof(answer),
	    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", text_len,
	    text);

	mg_write(conn, answer, (size_t)len);
	return 200;
}

/* As src/http/server.c has them. */
static struct mg_context *start(const char *port)
{
	const struct mg_callbacks callbacks = { .begin_request = on_request };
	const char *settings[] = {
		"listening_ports",
		port,
		"num_threads",
		"32",
		"enable_keep_alive",
		"yes",
		"keep_alive_timeout_ms",
		"5000",
		"request_timeout_ms",
		"15000",
		"max_request_size",
		"16384",
		"tcp_nodelay",
		"1",
		"decode_url",
		"no",
		NULL,
	};

	return mg_start(&callbacks, NULL, settings);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		errx(2, "usage: constant PORT < TEXT");
	text_len = fread(text, 1, sizeof(text) - 1, stdin);
	mg_init_library(0);
	if (!start(argv[1]))
		errx(1, "CivetWeb cannot listen on %s", argv[1]);
	for (;;)
		pause();
}
