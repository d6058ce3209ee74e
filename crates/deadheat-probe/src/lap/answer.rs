//! Where an HTTP/1.1 answer ends (RFC 9112, section 6.3), so that the next request may be sent.
//!
//! What the answer says is the controller's to read: the bytes go to it as they came.

/// What is known of an answer by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// More bytes are to come.
    Partial,
    /// It is whole, and the connection serves another request.
    Whole,
    /// It ends with the connection, or is not understood: nothing more is to be asked on it.
    Closing,
}

/// How far the answer to a request reaches that is not HEAD.
pub fn extent(bytes: &[u8]) -> Extent {
    let mut rest = bytes;
    loop {
        let Some(end) = find(rest, b"\r\n\r\n") else {
            return Extent::Partial;
        };
        let (head, body) = (&rest[..end], &rest[end + 4..]);
        let status = head.get(9..12).unwrap_or_default();
        if status.first() == Some(&b'1') && status != b"101" {
            // An interim answer: the one that counts is behind it.
            rest = body;
            continue;
        }
        return behind(head, status, body);
    }
}

fn behind(head: &[u8], status: &[u8], body: &[u8]) -> Extent {
    let closes = field(head, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    if status == b"101" || closes {
        Extent::Closing
    } else if matches!(status, b"204" | b"304") {
        exactly(body, 0)
    } else if field(head, "transfer-encoding").is_some() {
        chunked(body)
    } else {
        match field(head, "content-length").and_then(|digits| digits.parse().ok()) {
            Some(length) => exactly(body, length),
            None => Extent::Closing,
        }
    }
}

fn exactly(body: &[u8], length: usize) -> Extent {
    match body.len().cmp(&length) {
        std::cmp::Ordering::Less => Extent::Partial,
        std::cmp::Ordering::Equal => Extent::Whole,
        // Bytes that nobody asked for.
        std::cmp::Ordering::Greater => Extent::Closing,
    }
}

/// RFC 9112, section 7.1; trailers, which nobody asks for, are not understood.
fn chunked(mut body: &[u8]) -> Extent {
    while let Some(line) = find(body, b"\r\n") {
        let digits = body[..line].split(|&byte| byte == b';').next();
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let size = digits.and_then(|digits| usize::from_str_radix(digits.trim(), 16).ok());
        let Some(size) = size else {
            return Extent::Closing;
        };
        body = &body[line + 2..];
        if size == 0 {
            return exactly(body, 2);
        }
        match size.checked_add(2).and_then(|size| body.get(size..)) {
            Some(rest) => body = rest,
            None => return Extent::Partial,
        }
    }
    Extent::Partial
}

/// The value of the first header of this name.
fn field<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    head.split(|&byte| byte == b'\n').find_map(|line| {
        let (found, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each beginning of these bytes is said to be: (its length, the extent), where it changes.
    fn extents(bytes: &[u8]) -> Vec<(usize, Extent)> {
        let mut told: Vec<(usize, Extent)> = Vec::new();
        for length in 0..=bytes.len() {
            let now = extent(&bytes[..length]);
            if told.last().map_or(true, |&(_, before)| before != now) {
                told.push((length, now));
            }
        }
        told
    }

    fn whole_at_the_end(text: &str) {
        let bytes = text.as_bytes();
        let expected = [(0, Extent::Partial), (bytes.len(), Extent::Whole)];
        assert_eq!(extents(bytes), expected, "{text}");
        let more = [bytes, b"x"].concat();
        assert_eq!(extent(&more), Extent::Closing, "{text}");
    }

    #[test]
    fn an_answer_ends_where_its_length_says() {
        whole_at_the_end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx: y\r\n\r\nhello");
        whole_at_the_end("HTTP/1.1 404 Not Found\r\ncontent-length:0\r\n\r\n");
        whole_at_the_end("HTTP/1.1 204 No Content\r\nserver: Rocket\r\n\r\n");
        whole_at_the_end("HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n");
    }

    #[test]
    fn an_answer_in_chunks_ends_with_the_last_one() {
        whole_at_the_end(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\na\r\n\r\nB\r\nhello world\r\n0\r\n\r\n",
        );
    }

    #[test]
    fn an_interim_answer_is_not_the_one_that_counts() {
        whole_at_the_end(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx",
        );
    }

    #[test]
    fn what_ends_with_the_connection_or_is_not_understood_is_told() {
        for head in [
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nConnection: Close\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nno size\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        ] {
            let expected = [(0, Extent::Partial), (head.len(), Extent::Closing)];
            assert_eq!(extents(head.as_bytes()), expected, "{head}");
        }
    }
}
