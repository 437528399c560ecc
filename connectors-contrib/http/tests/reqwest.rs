//! The transport on reqwest, against a server of a few lines on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use accordant_http::{Request, ReqwestTransport, Settings, Transport as _, TransportError, TransportErrorKind};
use bytes::Bytes;

/// Answers by path, until the process ends; counts the connections that asked for something.
fn serve() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut lines = reader.by_ref().lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            let _headers = lines.take_while(|line| !line.is_empty()).count();
            // A connection that is closed with unread bytes is reset, and takes its answer with it.
            reader.read_exact(&mut [0; 2]).unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let said = match first.split([' ', '?']).nth(1).unwrap_or_default() {
                "/fine" => "HTTP/1.1 207 Multi-Status\r\ncontent-length: 2\r\nx-left: 9\r\n\r\n{}".to_owned(),
                "/away" => "HTTP/1.1 307 Away\r\ncontent-length: 0\r\nlocation: /fine\r\n\r\n".to_owned(),
                "/large" => format!("HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n{}", "x".repeat(2_000)),
                "/half" => "HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\nx".to_owned(),
                _ => String::new(),
            };
            stream.write_all(said.as_bytes()).unwrap();
        }
    });
    (address, asked)
}

fn ask(address: SocketAddr, path: &str) -> Result<http::Response<Bytes>, TransportError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let settings = Settings { timeout: Duration::from_secs(20), largest_answer: 1_000, ..Settings::default() };
        let transport = ReqwestTransport::new(settings).unwrap();
        let request: Request =
            http::Request::post(format!("http://{address}{path}?secret=1")).body(Bytes::from("{}")).unwrap();
        transport.send(request).await
    })
}

#[test]
fn an_answer_comes_back_whole_whatever_its_status() {
    let (address, _) = serve();
    let answer = ask(address, "/fine").unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["x-left"], &answer.body()[..]),
        (207, &"9".parse().unwrap(), &b"{}"[..])
    );
}

#[test]
fn nothing_is_sent_twice_and_no_redirect_is_followed() {
    let (address, asked) = serve();
    assert_eq!(ask(address, "/away").unwrap().status().as_u16(), 307);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn without_a_whole_answer_it_says_whether_the_request_can_have_arrived() {
    let (address, asked) = serve();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let cases = [
        (nobody, "/fine", TransportErrorKind::NotSent),
        (address, "/nothing", TransportErrorKind::NoAnswer),
        (address, "/half", TransportErrorKind::NoAnswer),
        (address, "/large", TransportErrorKind::TooLarge),
    ];
    for (address, path, kind) in cases {
        let error = ask(address, path).unwrap_err();
        assert_eq!(error.kind, kind, "{path}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 3, "nothing is sent again");
}
