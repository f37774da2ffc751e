use super::*;

/// What becomes of a URL, where every name leads to that address.
async fn admitted(hosts: &CallbackHosts, url: &str, leads_to: &str) -> &'static str {
    let address: IpAddr = leads_to.parse().unwrap();
    match hosts.admit_with(url, async |_, _| Ok(vec!["93.184.215.14".parse().unwrap(), address])).await {
        Ok(()) => "admitted",
        Err(HostError::NotListed) => "not listed",
        Err(HostError::Private) => "private",
        Err(HostError::Unresolved(_)) => "unresolved",
    }
}

const PUBLIC: &str = "93.184.215.14";

#[tokio::test]
async fn scheme_host_and_port_must_be_those_of_an_entry() {
    let hosts =
        CallbackHosts::parse(["crm.example.com", "crm.example.com:8443", "http://plain.example:3000"])
            .unwrap();
    for (url, expected) in [
        ("https://crm.example.com/api/webhooks/robot-callback", "admitted"),
        ("https://CRM.example.com:443/", "admitted"),
        ("https://crm.example.com:8443/hook?token=abc", "admitted"),
        ("http://plain.example:3000/", "admitted"),
        ("http://crm.example.com/", "not listed"),
        ("http://crm.example.com:443/", "not listed"),
        ("https://crm.example.com:8444/", "not listed"),
        ("https://plain.example:3000/", "not listed"),
        ("http://plain.example/", "not listed"),
        ("https://crm.example.com./", "not listed"),
        ("https://evil.crm.example.com/", "not listed"),
        ("https://crm.example.com.evil.example/", "not listed"),
        ("https://evil.example/crm.example.com", "not listed"),
        ("https://evil.example#@crm.example.com/", "not listed"),
        ("https://evil.example\\@crm.example.com/", "not listed"),
        ("ftp://crm.example.com/", "not listed"),
        ("crm.example.com", "not listed"),
    ] {
        assert_eq!(admitted(&hosts, url, PUBLIC).await, expected, "{url}");
    }
    let nothing = CallbackHosts::default();
    assert_eq!(
        admitted(&nothing, "https://crm.example.com/", PUBLIC).await,
        "not listed",
        "the default is none"
    );
}

#[tokio::test]
async fn a_private_address_must_be_listed_itself() {
    let hosts = CallbackHosts::parse([
        "crm.example.com",
        "http://127.0.0.1:3000",
        "http://[::1]:3000",
        "http://localhost",
    ])
    .unwrap();
    for (url, expected) in [
        ("http://127.0.0.1:3000/", "admitted"),
        ("http://2130706433:3000/", "admitted"),
        ("http://[::1]:3000/", "admitted"),
        ("http://[0:0:0:0:0:0:0:1]:3000/", "admitted"),
        ("http://localhost/", "admitted"),
        ("http://127.0.0.2:3000/", "not listed"),
        ("https://127.0.0.1:3000/", "not listed"),
        ("http://169.254.169.254/", "not listed"),
        ("http://10.0.0.1/", "not listed"),
    ] {
        assert_eq!(admitted(&hosts, url, "127.0.0.1").await, expected, "{url}");
    }
    for private in [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "192.0.0.1",
        "198.18.0.1",
        "203.0.113.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fec0::1",
        "fc00::1",
        "fd12:3456::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
        "2001::1",
        "2001:db8::1",
    ] {
        assert_eq!(admitted(&hosts, "https://crm.example.com/", private).await, "private", "{private}");
        let trusting = hosts.clone().on_private_networks();
        assert_eq!(admitted(&trusting, "https://crm.example.com/", private).await, "admitted", "{private}");
    }
    for public in
        [PUBLIC, "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
    {
        assert_eq!(admitted(&hosts, "https://crm.example.com/", public).await, "admitted", "{public}");
    }
}

#[tokio::test]
async fn a_name_without_an_address_is_asked_for_again() {
    let hosts = CallbackHosts::parse(["crm.example.com"]).unwrap();
    let url = "https://crm.example.com/";
    let none = hosts.admit_with(url, async |_, _| Ok(Vec::new())).await;
    assert!(matches!(none, Err(HostError::Unresolved(_))), "{none:?}");
    let failed = hosts.admit_with(url, async |_, _| Err(io::ErrorKind::NotFound.into())).await;
    assert!(matches!(failed, Err(HostError::Unresolved(_))), "{failed:?}");
    let local = CallbackHosts::parse(["http://127.0.0.1:3000"]).unwrap();
    local.admit("http://127.0.0.1:3000/").await.expect("an address needs no name server");
}

#[test]
fn what_is_no_host_is_no_entry() {
    for entry in [
        "",
        " ",
        "/",
        "crm.example.com/",
        "crm.example.com/api",
        "https://crm.example.com?x",
        "me@crm.example.com",
        "ftp://crm",
        "*",
        "*.example.com/",
        "crm.example.com:99999",
        "crm example",
    ] {
        let parsed = CallbackHosts::parse([entry]);
        // A star is no wildcard: it would only ever be compared with itself.
        assert!(parsed.is_err() || entry == "*", "{entry:?}: {parsed:?}");
    }
}
